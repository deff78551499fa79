"""The header line of a turbostat table: which column is which, and whether it can be trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

#: column -> domain; watts, then joules.  ``Pkg_W`` and its like are those of 2013 and 2014.
WATTS = {
    b"PkgWatt": "package",
    b"CorWatt": "core",
    b"GFXWatt": "gfx",
    b"RAMWatt": "dram",
    b"SysWatt": "platform",
    b"Pkg_W": "package",
    b"Cor_W": "core",
    b"GFX_W": "gfx",
    b"RAM_W": "dram",
}
JOULES = {b"Pkg_J": "package", b"Cor_J": "core", b"GFX_J": "gfx", b"RAM_J": "dram", b"Sys_J": "platform"}
FIGURES = WATTS | JOULES
TOPOLOGY = frozenset(
    [b"Package", b"Die", b"L3", b"LLC", b"Node", b"Module", b"Core", b"CPU", b"APIC", b"X2APIC", b"pk", b"cor"]
)
TIME = b"Time_Of_Day_Seconds"
#: names that only turbostat prints; a table without any of them is somebody else's
DISTINCT = frozenset(FIGURES) | {
    TIME, b"Avg_MHz", b"Busy%", b"%Busy", b"Bzy_MHz", b"TSC_MHz", b"%c0", b"CPU%c1", b"CPU%c6", b"CPU%c7", b"CoreTmp",
    b"PkgTmp", b"PKG_%", b"RAM_%", b"UncMHz", b"Totl%C0", b"Any%C0", b"Pkg%pc2", b"Pkg%pc6",
}  # fmt: skip
KNOWN = DISTINCT | TOPOLOGY | {b"usec", b"GHz", b"TSC", b"IRQ", b"SMI", b"IPC"}
_NUMBER = re.compile(rb"-?(?:nan|[\d.]+|0x[0-9a-fA-F]+)$")
_GLUED = re.compile(b"|".join(re.escape(name) for name in sorted(FIGURES, key=len, reverse=True)))


@frozen(kw_only=True)
class Header:
    """Columns of one table.  ``flaw`` is the reason why no row below can be read, if there is one."""

    text: bytes
    names: tuple[bytes, ...]
    tabs: bool  #: cells are separated by tabs; by runs of blanks otherwise
    figures: tuple[tuple[int, str], ...]  #: (column, domain)
    joules: bool
    topology: tuple[int, ...]
    blank_until: int | None  #: 2014 format: the summary row is blank up to this byte
    time_at: int | None
    package_at: int | None
    length_at: int | None  #: 2014 format with joules: seconds of the interval
    ignored: tuple[str, ...] = ()
    flaw: str = ""

    @classmethod
    def from_line(cls, line: bytes) -> Header | None:
        """The header that *line* is, or ``None``.

        A header holds no number and a name that only turbostat prints; where blanks separate the cells, which
        a sentence has too, it holds two names that are known, or nothing but one figure.
        """
        tabs = b"\t" in line
        names = tuple(cell.strip() for cell in line.split(b"\t")) if tabs else tuple(line.split())
        if DISTINCT.isdisjoint(names) or any(_NUMBER.match(name) for name in names):
            return None
        known = KNOWN.intersection(names)
        if not tabs and len(known) < 2 and not (len(names) == 1 and names[0] in FIGURES):
            return None
        joules = any(name in JOULES for name in names)
        units = JOULES if joules else WATTS
        topology = tuple(i for i, name in enumerate(names) if name in TOPOLOGY)
        last = topology[-1] if topology else None
        return cls(
            text=line.strip(),
            names=names,
            tabs=tabs,
            figures=tuple((i, units[name]) for i, name in enumerate(names) if name in units),
            joules=joules,
            topology=topology,
            blank_until=_end_of(line, names, last) if last is not None and b"%c0" in known and not tabs else None,
            time_at=_index(names, TIME),
            package_at=next((i for i, name in enumerate(names) if name in (b"Package", b"pk")), None),
            length_at=_index(names, b"time") if joules else None,
            ignored=tuple(name.decode() for name in names if joules and name in WATTS),
            flaw=_flaw(names),
        )

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(domain for _, domain in self.figures)


def _index(names: Sequence[bytes], name: bytes) -> int | None:
    return names.index(name) if name in names else None


def _end_of(line: bytes, names: Sequence[bytes], column: int) -> int:
    """Where a column's name ends in a header whose cells are aligned with blanks."""
    at = 0
    for name in names[: column + 1]:
        at = line.index(name, at) + len(name)
    return at


def _flaw(names: Sequence[bytes]) -> str:
    counted = [name for name in names if name in FIGURES or name in TOPOLOGY or name == TIME]
    if len(set(counted)) < len(counted):
        return "a column appears twice in the header"
    for name in names:
        if name not in FIGURES and (found := _GLUED.search(name)):
            cell = name.decode("utf-8", "replace")
            return f"the header cell {cell!r} hides the column {found[0].decode()}: were the tabs lost?"
    return ""
