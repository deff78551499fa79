"""Read the table that ``nvidia-smi`` prints for people: whole watts, two lines a GPU."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from wattbook import Problem

from wattbook_nvidia_smi.clock import stamp
from wattbook_nvidia_smi.gpu import BOARD, Gpu, GpuSample
from wattbook_nvidia_smi.lines import Line
from wattbook_nvidia_smi.refusals import explain

HEADING = re.compile(r"Pwr: ?Usage ?/ ?Cap")
_VERSION = re.compile(r"(?:Driver|KMD) Version: (\d[\d.]*)")
#: ``|   0  NVIDIA GB10    On  |   0000000F:01:00.0 Off |``: number, name, mode, bus.
_FIRST = re.compile(r"\|\s*(\d{1,3})\s+(\S.*?)\s+(?:On|Off|TCC|WDDM|MCDM|N/A)\s*\|\s*([0-9A-Fa-fx]+(?::[\w.:]+)?)\s")
#: ``| N/A   36C    P8              3W /  N/A  |``: fan, temperature, state, power, limit.
POWER = re.compile(r"\|\s*(?:\d+%|N/A|ERR!)\s+(?:\d+C|N/A|ERR!)\s+(?:P\d+|N/A|ERR!)\s+(\S+)\s*/\s*(\d+W|N/A|ERR!)\s*\|")


def samples(lines: Iterable[Line]) -> Iterator[GpuSample | Problem]:
    """One sample per GPU and table; the time is the line above the table, where there is one."""
    at: datetime | None = None
    driver = ""
    gpu: Gpu | None = None
    for line in lines:
        text = line.text
        if (moment := stamp(text)) is not None:
            at = moment
        elif (version := _VERSION.search(text)) is not None:
            driver, gpu = version[1], None
        elif (first := _FIRST.match(text)) is not None:
            gpu = Gpu(index=first[1], name=first[2], pci=first[3])
        elif (power := POWER.match(text)) is not None:
            if gpu is None:
                yield Problem(reason="a power without the line that names its GPU", line=line.number)
            else:
                yield GpuSample(gpu=gpu, line=line.number, at=at, driver=driver, figures={BOARD: {"draw": power[1]}})
            gpu = None
        elif (known := explain(text)) is not None:
            yield Problem(reason=known[0], line=line.number)
