"""Read the text of ``nvidia-smi -q``, whose labels repeat under headings that give them their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import define, field
from wattbook import Problem

from wattbook_nvidia_smi.clock import stamp
from wattbook_nvidia_smi.gpu import BOARD, MEMORY, MODULE, Gpu, GpuSample
from wattbook_nvidia_smi.lines import Line
from wattbook_nvidia_smi.refusals import explain

#: The headings under which a ``Power Draw`` is one, and of what.
SECTIONS = {
    "power readings": BOARD,
    "gpu power readings": BOARD,
    "module power readings": MODULE,
    "gpu memory power readings": MEMORY,
}
_DRAWS = {"power draw": "draw", "average power draw": "average", "instantaneous power draw": "instant"}
_GPU = re.compile(r"GPU ([0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-9A-Fa-f])")
_IDENTITY = {"product name": "name", "gpu uuid": "uuid", "serial number": "serial"}
_MAX_VALUE = 200


@define
class _Block:
    """The lines of one GPU so far."""

    line: int
    identity: dict[str, str] = field(factory=dict)
    figures: dict[str, dict[str, str]] = field(factory=dict)
    seen: bool = False  #: a section with a power draw was there

    def sample(self, at: datetime | None, driver: str) -> GpuSample:
        return GpuSample(gpu=Gpu(**self.identity), line=self.line, at=at, figures=self.figures, driver=driver)


def samples(lines: Iterable[Line]) -> Iterator[GpuSample | Problem]:
    """One sample per GPU and report.

    Indentation is not looked at, because copying often loses it: a line without a value is a heading
    and ends the section before it.  The ``Power Samples`` block has other labels and is no section.
    """
    at: datetime | None = None
    driver = ""
    block: _Block | None = None
    section: str | None = None
    for line in lines:
        text = line.text.strip()
        if not text:
            continue
        label, colon, value = text.partition(" : ")
        if not colon and text.endswith(" :"):
            label, colon = text[:-2], ":"
        label, value = label.strip().lower(), value.strip()
        heading = _GPU.fullmatch(text)
        if heading or text.strip("=") == "NVSMI LOG":
            if block is not None and block.seen:
                yield block.sample(at, driver)
            block, section = (_Block(line.number, {"pci": heading[1]}) if heading else None), None
        elif not colon:
            if (known := explain(text)) is not None:
                yield Problem(reason=known[0], line=line.number)
            section = SECTIONS.get(label)
            if section and block is None:
                block = _Block(line.number)
            if label == "power samples" and (block is None or BOARD not in block.figures):
                yield Problem(reason="a Power Samples block is the driver's buffer, no reading", line=line.number)
        elif label == "timestamp":
            if block is not None and block.seen:
                yield block.sample(at, driver)
            at, block = stamp(value), None
        elif label == "driver version":
            driver = value[:_MAX_VALUE]
        elif label in _IDENTITY and block is not None:
            block.identity.setdefault(_IDENTITY[label], value[:_MAX_VALUE])
        elif section is not None and label in _DRAWS and block is not None:
            if not line.whole and not value.endswith(("W", "N/A")):
                yield Problem(reason="the last line is cut", line=line.number)
            elif _DRAWS[label] in block.figures.get(section, {}):
                yield block.sample(at, driver)  # the same label again: a report whose headings were lost
                block = _Block(line.number, dict(block.identity), {section: {_DRAWS[label]: value[:_MAX_VALUE]}}, True)
            else:
                block.seen = True
                block.figures.setdefault(section, {})[_DRAWS[label]] = value[:_MAX_VALUE]
    if block is not None and block.seen:
        yield block.sample(at, driver)
