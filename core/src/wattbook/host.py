"""What this machine is and where it stands: chips, memory, virtual or not, time zone, site."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

from wattbook.config import Config
from wattbook.errors import ConfigError
from wattbook.model import Chip, Host
from wattbook.records import Place

#: ARM processors print numbers for names: (implementer, part) of ``/proc/cpuinfo``, from ARM's MIDR registers
ARM_PARTS = {
    ("0x41", "0xd0c"): "ARM Neoverse-N1",
    ("0x41", "0xd40"): "ARM Neoverse-V1",
    ("0x41", "0xd49"): "ARM Neoverse-N2",
    ("0x41", "0xd4f"): "ARM Neoverse-V2",
    ("0x41", "0xd08"): "ARM Cortex-A72",
    ("0x41", "0xd0b"): "ARM Cortex-A76",
    ("0xc0", "0xac3"): "Ampere Altra",
    ("0xc0", "0xac4"): "Ampere AmpereOne",
}
#: SMBIOS chassis types of machines with a battery (DMTF DSP0134, table "System Enclosure or Chassis Types")
LAPTOP_CHASSIS = {"8", "9", "10", "11", "14", "30", "31", "32"}
HYPERVISORS = ("qemu", "kvm", "vmware", "virtualbox", "virtual machine", "xen", "bochs", "google compute engine",
               "amazon ec2", "openstack", "parallels", "bhyve", "firecracker", "hvm domu", "droplet")  # fmt: skip
GIB = 1 << 30  #: memory is sold in units of 2^30 bytes called GB


def detect(root: str = "/") -> Host:
    """The machine this runs on; costs a few small reads, starts no process, needs no right.

    *root* is the folder in which Linux's ``proc``, ``sys`` and ``etc`` lie.
    """
    if sys.platform == "darwin":
        return _darwin()
    if sys.platform.startswith("linux"):
        return _linux(root)
    return _other()


def host_name() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


# --- Linux -------------------------------------------------------------------------------------


def _read(*parts: str) -> str:
    """A small file's text, empty where there is none."""
    try:
        with open(os.path.join(*parts), encoding="utf-8", errors="replace") as stream:
            return stream.read().strip("\0\n ")
    except OSError:
        return ""


def _linux(root: str) -> Host:
    cpuinfo = _read(root, "proc/cpuinfo")
    dmi = os.path.join(root, "sys/class/dmi/id")
    vendor, product = _read(dmi, "sys_vendor"), _read(dmi, "product_name")
    memory_kb = _fields(_read(root, "proc/meminfo")).get("MemTotal", "").removesuffix(" kB")
    memory_gb = round(int(memory_kb) * 1024 / GIB, 1) if memory_kb.isdigit() else None
    chassis = _read(dmi, "chassis_type")
    virtual = _virtual(cpuinfo, f"{vendor} {product}".strip(), _read(root, "sys/hypervisor/type"))
    return Host(
        name=host_name(),
        os="linux",
        arch=os.uname().machine,
        model=" ".join(dict.fromkeys(f"{vendor} {product}".split())) or _read(root, "proc/device-tree/model"),
        virtual=virtual,
        cpus=tuple(_sockets(cpuinfo)),
        gpus=(*_nvidia(root), *_amdgpu(root)),
        threads=_usable_threads(
            root, sum(line.partition(":")[0].rstrip() == "processor" for line in cpuinfo.splitlines())
        ),
        memory_gb=memory_gb,
        memory_limit_gb=_memory_limit(root, memory_gb),
        instance=product if vendor == "Amazon EC2" else "",
        laptop=None if not chassis or virtual else chassis in LAPTOP_CHASSIS,
    )


def _virtual(cpuinfo: str, product: str, hypervisor: str) -> bool | None:
    """Whether this is a guest: the processor's own flag on x86, else the firmware's product name."""
    flags = _fields(cpuinfo).get("flags")
    if flags is not None:
        return "hypervisor" in flags.split()
    if hypervisor:
        return True
    if not product:
        return None
    named = product.lower()
    return any(word in named for word in HYPERVISORS) and "metal" not in named


def _fields(text: str) -> dict[str, str]:
    """The lines ``name : value`` of a text, the first of each name."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.rstrip(), value.strip())
    return found


def _sockets(cpuinfo: str) -> Iterator[Chip]:
    """One chip a socket; processors that name no socket are one."""
    first: dict[str, dict[str, str]] = {}
    threads: dict[str, int] = {}
    machine = _fields(cpuinfo)
    for block in map(_fields, cpuinfo.split("\n\n")):
        if next(iter(block), "") != "processor":
            continue
        socket = block.get("physical id", "")
        first.setdefault(socket, block)
        threads[socket] = threads.get(socket, 0) + 1
    for i, (socket, block) in enumerate(first.items()):
        part = ARM_PARTS.get((block.get("CPU implementer", "").lower(), block.get("CPU part", "").lower()), "")
        cores = block.get("cpu cores", "")
        yield Chip(
            name=block.get("model name") or machine.get("Hardware") or machine.get("cpu") or part,
            device=f"cpu:{i}",
            cores=int(cores) if cores.isdigit() else None,
            threads=threads[socket],
        )


def _usable_threads(root: str, present: int) -> int | None:
    """Hardware threads that affinity and the cgroup's quota leave to this process."""
    allowed = float(present) if present else float("inf")
    if root == "/" and hasattr(os, "sched_getaffinity"):
        allowed = min(allowed, len(os.sched_getaffinity(0)))
    allowed = min(allowed, _quota(root))
    return None if allowed == float("inf") else max(1, int(-(-allowed // 1)))


def reserved_threads(pid: int, present: int, root: str = "/") -> float:
    """Of *present* hardware threads, those that affinity and the cgroup's quota leave to a process."""
    allowed = float(present)
    if hasattr(os, "sched_getaffinity"):
        with contextlib.suppress(OSError):  # it has ended
            allowed = min(allowed, len(os.sched_getaffinity(pid)))
    return min(allowed, _quota(root, str(pid)))


def _quota(root: str, who: str = "self") -> float:
    """Processors' worth of time that the cgroups above a process grant, infinite where unlimited."""
    base = os.path.join(root, "sys/fs/cgroup")
    least = float("inf")
    for line in _read(root, "proc", who, "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            folders, unified = [base], True
        elif "cpu" in controllers.split(","):
            folders, unified = [os.path.join(base, controllers), os.path.join(base, "cpu")], False
        else:
            continue
        pieces = [piece for piece in path.split("/") if piece]
        for folder in folders:
            for depth in range(len(pieces) + 1):
                least = min(least, _quota_of(os.path.join(folder, *pieces[:depth]), unified))
    return least


def _quota_of(folder: str, unified: bool) -> float:
    if unified:
        words = _read(folder, "cpu.max").split()
    else:
        words = [_read(folder, "cpu.cfs_quota_us"), _read(folder, "cpu.cfs_period_us")]
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
        return int(words[0]) / int(words[1])
    return float("inf")


def _memory_limit(root: str, memory_gb: float | None) -> float | None:
    """Gigabytes that the cgroups above this process leave to it, ``None`` where that is all there are."""
    base = os.path.join(root, "sys/fs/cgroup")
    least = float("inf")
    for line in _read(root, "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            folder, file = base, "memory.max"
        elif "memory" in controllers.split(","):
            folder, file = os.path.join(base, "memory"), "memory.limit_in_bytes"
        else:
            continue
        pieces = [piece for piece in path.split("/") if piece]
        for depth in range(len(pieces) + 1):
            told = _read(folder, *pieces[:depth], file)
            least = min(least, int(told)) if told.isdigit() and int(told) else least
    limit_gb = round(least / GIB, 1) if least != float("inf") else None
    return limit_gb if limit_gb and memory_gb is not None and limit_gb < memory_gb else None


def _nvidia(root: str) -> Iterator[Chip]:
    """Cards as the kernel driver lists them; their UUID makes the device's name."""
    folder = os.path.join(root, "proc/driver/nvidia/gpus")
    try:
        slots = sorted(os.listdir(folder))
    except OSError:
        return
    for i, slot in enumerate(slots):
        said = _fields(_read(folder, slot, "information"))
        uuid = said.get("GPU UUID", "")
        yield Chip(
            name=said.get("Model", ""),
            device=f"gpu:{uuid}" if uuid.startswith("GPU-") and "?" not in uuid else f"gpu:{i}",
        )


def _amdgpu(root: str) -> Iterator[Chip]:
    """AMD's boards as the kernel driver lists them, named by their place on the bus.

    A graphics unit inside a processor has no power cap of its own, and is part of that processor.
    """
    folder = os.path.join(root, "sys/class/drm")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if not re.fullmatch(r"card\d+", name) or _read(folder, name, "device/vendor") != "0x1002":
            continue
        device = os.path.join(folder, name, "device")
        cap = _power_cap(os.path.join(device, "hwmon"))
        if cap is not None:
            slot = os.path.basename(os.path.realpath(device))
            product = _read(device, "product_name")
            number = _read(device, "device").removeprefix("0x")
            yield Chip(name=product or f"AMD 1002:{number}", device=f"gpu:{slot}", power_limit_w=cap)


def _power_cap(folder: str) -> float | None:
    """The power limit in watts that the driver enforces, from microwatts."""
    try:
        sensors = sorted(os.listdir(folder))
    except OSError:
        return None
    for sensor in sensors:
        cap = _read(folder, sensor, "power1_cap")
        if cap.isdigit() and int(cap):
            return int(cap) / 1e6
    return None


# --- macOS and others --------------------------------------------------------------------------


def _darwin() -> Host:
    import ctypes

    libc = ctypes.CDLL(None)

    def sysctl(name: str) -> bytes:
        size = ctypes.c_size_t(0)
        if libc.sysctlbyname(name.encode(), None, ctypes.byref(size), None, 0) or not size.value:
            return b""
        buffer = ctypes.create_string_buffer(size.value)
        if libc.sysctlbyname(name.encode(), buffer, ctypes.byref(size), None, 0):
            return b""
        return buffer.raw[: size.value]

    def text(name: str) -> str:
        return sysctl(name).rstrip(b"\0").decode("utf-8", "replace")

    def number(name: str) -> int | None:
        raw = sysctl(name)
        return int.from_bytes(raw, "little") if raw else None

    sockets = number("hw.packages") or 1
    cores, threads, memory = number("hw.physicalcpu"), number("hw.logicalcpu"), number("hw.memsize")
    chip = text("machdep.cpu.brand_string")
    return Host(
        name=host_name(),
        os="darwin",
        # a translated process believes that it runs on Intel
        arch="arm64" if number("hw.optional.arm64") else os.uname().machine,
        model=text("hw.model"),
        virtual=bool(number("kern.hv_vmm_present")),
        cpus=tuple(
            Chip(
                name=chip,
                device=f"cpu:{i}",
                cores=None if cores is None else cores // sockets,
                threads=None if threads is None else threads // sockets,
            )
            for i in range(sockets)
        ),
        threads=threads,
        memory_gb=None if memory is None else round(memory / GIB, 1),
        laptop=True if text("hw.model").startswith("MacBook") else None,
    )


def _other() -> Host:
    import platform

    import psutil

    return Host(
        name=host_name(),
        os=sys.platform.replace("win32", "windows"),
        arch=platform.machine(),
        cpus=(Chip(name=platform.processor(), device="cpu:0", cores=psutil.cpu_count(logical=False)),),
        threads=psutil.cpu_count(),
        memory_gb=round(psutil.virtual_memory().total / GIB, 1),
    )


# --- where it stands ---------------------------------------------------------------------------


def system_timezone(root: str = "/") -> str:
    """The IANA name of the system's time zone, ``UTC`` where it has none: ``TZ``, then ``/etc``."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return _zone_in(named) or named
    try:
        linked = _zone_in(os.path.realpath(os.path.join(root, "etc/localtime")))
    except OSError:
        linked = ""
    return linked or _read(root, "etc/timezone") or "UTC"


def _zone_in(path: str) -> str:
    """``Asia/Singapore`` of ``/usr/share/zoneinfo/Asia/Singapore``."""
    _, found, name = path.partition("zoneinfo/")
    return name.removeprefix("posix/").removeprefix("right/") if found else ""


def place(config: Config, site: str | None = None) -> Place:
    """Where the energy of this host is used: the configured *site*, else the default one.

    A site without a zone takes that of the system's time zone, and is marked as assumed.
    Raises ``ConfigError`` for a site that is not configured.
    """
    if site is None or (site == "default" and site not in config.sites):
        chosen, name = config.site, config.site.name
    elif site in config.sites:
        chosen, name = config.sites[site], site
    elif site == config.site.name:
        chosen, name = config.site, site
    else:
        known = ", ".join(sorted({config.site.name, *config.sites}))
        raise ConfigError(f"no site of this name is configured (there is {known})", where=f"sites.{site}")
    zone, assumed = chosen.zone, False
    if zone is not None and chosen.intensity_g_per_kwh is None:
        from wattbook.factors import check_zone

        zone = check_zone(zone, where="site.zone" if chosen is config.site else f"sites.{name}.zone")
    if zone is None and chosen.intensity_g_per_kwh is None:
        from wattbook.factors import zone_of_timezone

        zone = zone_of_timezone(system_timezone())
        assumed = zone is not None
    return Place(
        site=name,
        zone=zone,
        zone_assumed=assumed,
        pue=chosen.pue,
        intensity_g_per_kwh=chosen.intensity_g_per_kwh,
        intensity_source=chosen.intensity_source,
        intensity_year=chosen.intensity_year,
    )
