"""Measure x86 processors through the Linux kernel's RAPL interfaces, powercap and perf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wattbook import hookimpl

from wattbook_rapl.settings import Config

if TYPE_CHECKING:
    from wattbook import Host, Meter

__all__ = ["Config"]


@hookimpl
def measure(host: Host, config: Config) -> Iterator[Meter]:
    """RAPL is a thing of x86; on Linux the kernel reads it for everybody."""
    if host.os == "linux" and host.arch == "x86_64":
        from wattbook_rapl.meter import Offer

        yield from Offer(host, config).meters()
