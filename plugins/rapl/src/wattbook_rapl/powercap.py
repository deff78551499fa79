"""The powercap interface: one file of microjoules per zone, which starts again at its range."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field, frozen
from wattbook import Unavailable

from wattbook_rapl.domains import Place
from wattbook_rapl.presence import POWERCAP, absent

_ZONE = re.compile(r"(intel-rapl|intel-rapl-mmio):(\d{1,4})(?::(\d{1,4}))?$")
_PACKAGE = re.compile(r"package-(\d{1,4})(?:-die-(\d{1,4}))?$")
_PARTS = {"core": "core", "uncore": "gfx", "dram": "dram"}
REMEDY = (
    "let a group read it, as root: groupadd -f power; usermod -aG power $USER; "
    "echo 'z /sys/class/powercap/intel-rapl:*/energy_uj 0440 root power' > /etc/tmpfiles.d/rapl.conf; "
    "systemd-tmpfiles --create rapl.conf (then log in again)"
)


@frozen(kw_only=True)
class Zone:
    """One counter: what it belongs to, its folder and the microjoules at which it starts again."""

    place: Place
    folder: Path
    range_uj: int | None


@define
class ZoneFile:
    """An opened ``energy_uj``; reopened where the zone went and came back, which ``generation`` tells."""

    zone: Zone
    generation: int = field(default=0, init=False)
    _fd: int | None = field(default=None, init=False)

    def read(self) -> int:
        """Microjoules; raises ``OSError`` or ``ValueError``."""
        if self._fd is None:
            self._fd = os.open(self.zone.folder / "energy_uj", os.O_RDONLY | os.O_CLOEXEC)
            self.generation += 1
        try:
            return int(os.pread(self._fd, 64, 0))
        except (OSError, ValueError):
            self.close()
            raise

    @property
    def unit_j(self) -> float:
        return 1e-6

    @property
    def range_counts(self) -> float | None:
        return self.zone.range_uj

    @property
    def place(self) -> Place:
        return self.zone.place

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def zones(root: Path, *, amd: bool) -> list[Zone]:
    """Every counter once; zone numbers say nothing, names do.

    ``intel-rapl-mmio`` shows a package a second time, through another window, and is used only for
    packages that ``intel-rapl`` does not show.  Two zones called psys contradict each other: none is used.
    AMD counts cores one by one, and the zone ``core`` is the first of them only: it is left out.
    """
    names = sorted(_names(root), key=lambda m: (m[1] != "intel-rapl", int(m[2]), int(m[3] or -1)))
    found: dict[tuple[Place, int], Zone] = {}
    owners: dict[tuple[str, str], tuple[int, int]] = {}
    psys: list[Zone] = []
    for match in names:
        folder = root / POWERCAP / match[0]
        name = _text(folder / "name")
        key = (match[1], match[2])
        range_uj = _number(folder / "max_energy_range_uj") or None
        if match[3] is None and (package := _PACKAGE.match(name)):
            owner = (int(package[1]), int(package[2] or 0))
            if match[1] != "intel-rapl" and owner in owners.values():
                continue
            owners[key] = owner
            place = Place(package=owner[0], name="package")
            found[place, owner[1]] = Zone(place=place, folder=folder, range_uj=range_uj)
        elif match[3] is None and name == "psys":
            place = Place(package=None, name="platform")
            psys.append(Zone(place=place, folder=folder, range_uj=range_uj))
        elif match[3] is not None and name in _PARTS and key in owners and not (amd and name == "core"):
            place = Place(package=owners[key][0], name=_PARTS[name])
            found.setdefault((place, owners[key][1]), Zone(place=place, folder=folder, range_uj=range_uj))
    return [*found.values(), *(psys if len(psys) == 1 else [])]


def explain(zones_found: list[Zone], error: OSError | None) -> Unavailable:
    """Why no package can be read here."""
    if not zones_found:
        return absent("powercap")
    if isinstance(error, PermissionError):
        return Unavailable(
            "energy_uj is readable by root only, as it is since Linux 5.10: fine-grained power can leak secrets "
            "(CVE-2020-8694)",
            remedy=REMEDY,
        )
    return Unavailable(
        f"the package's energy_uj cannot be read: {error.strerror if error else 'unknown'}", remedy="see dmesg"
    )


def _names(root: Path) -> Iterator[re.Match[str]]:
    try:
        names = os.listdir(root / POWERCAP)
    except OSError:
        return
    yield from filter(None, map(_ZONE.match, names))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdigit() else 0
