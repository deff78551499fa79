"""Cloud instance types: threads, memory and accelerators, by their exact name."""

from __future__ import annotations

import re
from functools import cache

from attrs import frozen

from wattbook_tdp.catalogue import keyed

_PREFIX = re.compile(r"^(?:ml|db|cache)\.(?=[a-z])|^(?:standard|basic)[_ ]")


@frozen(kw_only=True)
class Instance:
    """One size of virtual machine; what it shares with its neighbours is not known."""

    name: str
    threads: int
    memory_gb: float
    cpu: str
    gpus: tuple[str, ...]
    source: str


def instance_key(name: str) -> str:
    """``p4d.24xlarge``, ``a2-highgpu-1g``, ``nc24ads a100 v4``: as the clouds write them, in any case."""
    text = _PREFIX.sub("", name.strip().lower())
    return " ".join(text.replace("_", " ").split())


def find(name: str) -> Instance | None:
    """The instance type of exactly this name."""
    row = _rows().get(instance_key(name))
    if row is None:
        return None
    own, threads, memory, cpu, gpus, source = row.split("\t")
    count, _, gpu = gpus.partition(" x ")
    return Instance(
        name=own,
        threads=int(threads),
        memory_gb=float(memory),
        cpu=cpu,
        gpus=(gpu,) * int(count) if gpu else (),
        source=source,
    )


@cache
def _rows() -> dict[str, str]:
    return keyed("instances.tsv")
