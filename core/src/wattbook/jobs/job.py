"""A described piece of work, checked: from text by column to a ``Job``, or to everything that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from attrs import field, frozen

from wattbook.jobs.fields import READERS, Refused, read_start, read_util
from wattbook.jobs.presets import ACCELERATOR, ALONE, BESIDE, Range, preset
from wattbook.records import Labels

#: columns of a jobs CSV in the order of the template; others are kept as tags
COLUMNS = (
    "start", "hours", "platform", "project", "person", "phase", "cpu", "tdp_w", "sockets", "threads", "instance",
    "gpu", "gpu_tdp_w", "gpu_count", "memory_gb", "util", "gpu_util", "load", "boundary", "region", "count",
)  # fmt: skip


@frozen(kw_only=True)
class Wrong:
    """What is wrong with one field of one line."""

    line: int | None
    field: str | None
    reason: str


@frozen(kw_only=True)
class Job:
    """A piece of work as a person describes it; what is ``None`` was not given."""

    line: int | None = None
    start: datetime | None = None
    hours: float
    cpu: str | None = None
    tdp_w: float | None = None
    sockets: int | None = None
    threads: int | None = None
    instance: str | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    gpu_tdp_w: float | None = None
    gpu_count: int | None = None
    util: Range | None = None  #: 0..1
    gpu_util: Range | None = None
    load: str = "os"  #: whose utilisation ``util`` is: ``os`` or ``throughput``
    boundary: str = "wall"  #: ``wall`` or ``package``
    region: str | None = None
    count: int = 1
    labels: Labels = field(factory=Labels)
    warnings: tuple[str, ...] = field(default=(), eq=False)

    @property
    def has_gpu(self) -> bool:
        return self.gpu is not None or self.gpu_tdp_w is not None

    @property
    def has_host(self) -> bool:
        return self.cpu is not None or self.tdp_w is not None or self.threads is not None


def job_from_fields(fields: Mapping[str, str], *, line: int | None = None, zone: tzinfo = UTC) -> Job | list[Wrong]:
    """A job from text by column; everything that is wrong with it at once.

    An empty text is not given.  *zone* is that of a ``start`` without one.
    """
    given = {key: text for key, value in fields.items() if key and (text := value.strip())}
    with_gpu = "gpu" in given or "gpu_tdp_w" in given
    only_gpu = with_gpu and _HOST.isdisjoint(given)
    wrong: list[Wrong] = []
    values: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for name, text in given.items():
        reader = READERS.get(name)
        try:
            if reader is not None:
                value = reader(text)
            elif name == "util":
                value = read_util(text, ACCELERATOR if only_gpu else BESIDE if with_gpu else ALONE)
            elif name == "gpu_util":
                value = read_util(text, ACCELERATOR)
            elif name == "start":
                value = read_start(text, zone)
            else:
                tags[name] = text
                continue
        except Refused as refused:
            wrong.append(Wrong(line=line, field=name, reason=str(refused)))
            continue
        if name in _LABELS:
            labels[name] = value
        else:
            values[name] = value
    if "hours" not in given:
        wrong.append(Wrong(line=line, field="hours", reason="the number of hours is missing"))
    wrong += [Wrong(line=line, field=name, reason=reason) for name, reason in _contradictions(given)]
    if wrong:
        return wrong
    if with_gpu and "gpu_util" not in given and "util" in given:
        named = values["util"] if only_gpu else preset(given["util"], ACCELERATOR)
        if named is not None:
            values["gpu_util"] = named
    return Job(line=line, labels=Labels(tags=tags, **labels), warnings=tuple(_doubts(given)), **values)


_LABELS = {"project", "phase", "person", "platform"}
_GPU = {"gpu", "gpu_tdp_w", "instance"}
_HOST = {"cpu", "tdp_w", "threads", "instance"}


def _contradictions(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "gpu_count" in given or "gpu_util" in given:
        named = not _GPU.isdisjoint(given)
        if not named and given.get("gpu_count", "0") != "0":
            yield "gpu_count", "accelerators are counted but not named: give gpu or gpu_tdp_w"
        if not named and given.get("gpu_util", "0") not in ("0", "0.0", "0%", "idle"):
            yield "gpu_util", "a utilisation of accelerators without an accelerator: give gpu or gpu_tdp_w"
        if named and given.get("gpu_count") == "0" and "instance" not in given:
            yield "gpu_count", "an accelerator is named, and there are 0 of it"
    if given.get("boundary", "").lower() == "package" and "cpu" not in given and "tdp_w" not in given:
        yield "boundary", "the package model needs a processor: give cpu or tdp_w"


def _doubts(given: Mapping[str, str]) -> Iterator[str]:
    for name in ("util", "gpu_util"):
        text = given.get(name, "")
        if text[:1] in ("0", ".", "1") and text not in ("0", "100") and "." in text and _below_one(text):
            yield f"{name} of at most 1 is read as percent, not as a fraction"
    if "util" in given and "gpu_util" not in given and not _GPU.isdisjoint(given) and _HOST.isdisjoint(given):
        yield "util is taken as that of the accelerators: nothing else is described"
    if "sockets" in given and "cpu" not in given and "tdp_w" not in given:
        yield "sockets are not used: no processor is named"


def _below_one(text: str) -> bool:
    try:
        return 0 < float(text.rpartition("..")[2].rstrip("% ")) <= 1
    except ValueError:
        return False
