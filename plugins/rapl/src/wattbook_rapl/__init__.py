"""Measure x86 processors through the Linux kernel's RAPL interfaces, powercap and perf."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import Host, Meter, hookimpl

from wattbook_rapl.meter import Config, Offer

__all__ = ["Config"]


@hookimpl
def measure(host: Host, config: Config) -> Iterator[Meter]:
    """RAPL is a thing of x86; on Linux the kernel reads it for everybody."""
    if host.os == "linux" and host.arch == "x86_64":
        yield from Offer(host, config).meters()
