"""Read ``nvidia-smi --query-gpu=... --format=csv``, in a file or from a running process."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from attrs import frozen
from wattbook import ImportFailed, Problem

from wattbook_nvidia_smi.clock import stamp
from wattbook_nvidia_smi.gpu import BOARD, MODULE, Gpu, GpuSample
from wattbook_nvidia_smi.lines import Line
from wattbook_nvidia_smi.refusals import explain

#: What a query field says: (domain, field of power).
POWER = {
    "power.draw": (BOARD, "draw"),
    "power.draw.average": (BOARD, "average"),
    "gpu.power.draw.average": (BOARD, "average"),
    "power.draw.instant": (BOARD, "instant"),
    "gpu.power.draw.instant": (BOARD, "instant"),
    "module.power.draw.average": (MODULE, "average"),
    "module.power.draw.instant": (MODULE, "instant"),
}
_NAMES = {
    "uuid": "uuid", "gpu_uuid": "uuid", "gpu_bus_id": "pci", "pci.bus_id": "pci", "index": "index",
    "name": "name", "gpu_name": "name", "serial": "serial", "gpu_serial": "serial",
}  # fmt: skip
_DOTTED = re.compile(
    r"(utilization|memory|temperature|clocks?|pcie?|fan|ecc|power|enforced|inforom|encoder|mig|module)\.[\w.]+"
    r"|used_gpu_memory|gpu_uuid|gpu_bus_id|vbios_version|driver_version|compute_mode|pstate"
)
_UNIT = re.compile(r"\s*\[([^\]]*)\]$")
_UUID = re.compile(r"GPU-[0-9a-f]{8}-[0-9a-f]{4}-")
_BUS = re.compile(r"(?:[0-9A-Fa-f]{4}){1,2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]")
_MODEL = re.compile(r"(NVIDIA|GeForce|Tesla|Quadro|RTX|GTX|GRID)\b.*")
_WATTS = re.compile(r"\d+\.\d+ W")
_TEXT = re.compile(r"\[(N/A|Not Supported|Unknown Error|Requested functionality has been deprecated)\]")
_MAX_PREAMBLE = 1_000  #: lines of a shell's noise before the header


@frozen(kw_only=True)
class Header:
    """Which cell holds what."""

    width: int
    power: tuple[tuple[int, str, str], ...]  #: cell, domain, field
    names: tuple[tuple[int, str], ...]  #: cell, attribute of ``Gpu``
    time: int | None
    driver: int | None

    @classmethod
    def from_line(cls, text: str) -> Header | None:
        """The header that *text* is, or ``None``."""
        found = [cell.lower() for cell in cells(text)]
        plain = [_UNIT.sub("", cell) for cell in found]
        dotted = sum(1 for name in plain if _DOTTED.fullmatch(name))
        if not (set(plain) & set(POWER) or dotted >= 2 or (dotted and set(plain) & {*_NAMES, "timestamp"})):
            return None
        power = []
        for i, name in enumerate(plain):
            unit = _UNIT.search(found[i])
            if name in POWER and (unit is None or unit[1] == "w"):
                power.append((i, *POWER[name]))
        return cls(
            width=len(plain),
            power=tuple(power),
            names=tuple((i, _NAMES[name]) for i, name in enumerate(plain) if name in _NAMES),
            time=plain.index("timestamp") if "timestamp" in plain else None,
            driver=plain.index("driver_version") if "driver_version" in plain else None,
        )


def cells(text: str) -> list[str]:
    """One row's cells; quotes are understood, as spreadsheets add them."""
    text = text.lstrip("\ufeff")
    if '"' in text:
        try:
            return [cell.strip() for cell in next(csv.reader([text], skipinitialspace=True), [])]
        except csv.Error:
            return []
    return [cell.strip() for cell in text.split(",")]


def looks_headerless(text: str) -> bool:
    """Whether a first line is a row of a query without its header."""
    row = cells(text)
    if len(row) == 1 and _TEXT.fullmatch(row[0]):
        return True
    return any(_UUID.match(cell) or _WATTS.fullmatch(cell) for cell in row) or (
        any(stamp(cell) for cell in row) and any(cell.endswith((" %", " MiB", " MHz", "]")) for cell in row)
    )


def samples(lines: Iterable[Line]) -> Iterator[GpuSample | Problem]:
    """Rows as samples; raises ``ImportFailed`` where no header says which cell is the power.

    A row longer or shorter than its header is not read, because nothing says which cell is which.
    """
    header: Header | None = None
    gpus: dict[tuple[str, ...], Gpu] = {}
    before = 0
    for line in lines:
        if not line.text.strip():
            continue
        again = Header.from_line(line.text) if header is None or "power" in line.text else None
        if again is not None:
            if not again.power:
                raise ImportFailed(
                    "this query did not ask for the power; query power.draw too", line=line.number, field="power.draw"
                )
            header = again
            continue
        if header is None:
            header = _guessed(line)
            if header is None:
                before += 1
                if before > _MAX_PREAMBLE:
                    raise ImportFailed("no header line of nvidia-smi among the first lines", line=line.number)
                yield _noise(line)
                continue
        row = cells(line.text)
        if len(row) != header.width:
            yield _noise(line, f"{len(row)} cells where the header has {header.width}")
            continue
        if not line.whole and not _ends_well(row, header):
            yield Problem(reason="the last line is cut", line=line.number)
            continue
        identity = tuple(row[i] for i, _ in header.names)
        gpu = gpus.get(identity)
        if gpu is None:
            gpu = Gpu(**{name: row[i] for i, name in reversed(header.names)})
            if len(gpus) < 4_096:
                gpus[identity] = gpu
        figures: dict[str, dict[str, str]] = {}
        for i, scope, kind in header.power:
            figures.setdefault(scope, {})[kind] = row[i]
        at = stamp(row[header.time]) if header.time is not None else None
        if header.time is not None and at is None:
            yield Problem(reason=f"{row[header.time][:40]!r} is not a time", line=line.number)
            continue
        driver = row[header.driver] if header.driver is not None else ""
        yield GpuSample(gpu=gpu, line=line.number, at=at, figures=figures, driver=driver)
    if header is None:
        raise ImportFailed("no header line: nothing says which column is the power; export with --format=csv")


def _noise(line: Line, otherwise: str = "not a row of nvidia-smi") -> Problem:
    known = explain(line.text)
    return Problem(reason=known[0] if known else f"{otherwise}: {line.text.strip()[:60]!r}", line=line.number)


def _ends_well(row: list[str], header: Header) -> bool:
    """Whether a row without its line break is whole: its last cell is no power, or a complete one."""
    last = len(row) - 1
    if not row[last]:
        return False
    return all(i != last or bool(re.search(r"\.\d\d( W)?$|\]$", row[i])) for i, _, _ in header.power)


def _guessed(line: Line) -> Header | None:
    """A header for rows without one, where the cells tell by themselves which is which.

    Watts are only recognised by their unit, and only where a single cell carries it: limits do too.
    """
    if not looks_headerless(line.text):
        return None
    row = cells(line.text)
    powers = [i for i, cell in enumerate(row) if _WATTS.fullmatch(cell)]
    if not powers and all(_TEXT.fullmatch(cell) for cell in row):
        raise ImportFailed("no power figure: nvidia-smi printed only " + row[0], line=line.number)
    kinds = ((_UUID, "uuid"), (_BUS, "pci"), (_MODEL, "name"))
    names = tuple((i, name) for i, cell in enumerate(row) for pattern, name in kinds if pattern.match(cell))
    reason = ""
    if len(powers) != 1:
        reason = "no cell carries watts" if not powers else f"{len(powers)} cells carry watts"
    elif not {"uuid", "pci"} & {name for _, name in names} and any(cell.isdigit() for cell in row):
        reason = "a bare number may be the GPU's index or anything else"
    if reason:
        raise ImportFailed(
            f"there is no header line, and {reason}, so nothing says which cell is what; "
            "export with --format=csv instead of csv,noheader",
            line=line.number,
            field="power.draw",
        )
    times = [i for i, cell in enumerate(row) if stamp(cell)]
    time = times[0] if len(times) == 1 else None
    return Header(width=len(row), power=((powers[0], BOARD, "draw"),), names=names, time=time, driver=None)
