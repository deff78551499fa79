"""powermetrics on a system that has none: an offer that says so and loads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wattbook import Host, Meter, Unavailable


def refusal(host: Host) -> Unavailable:
    """Why not, and what to do instead."""
    return Unavailable(
        f"powermetrics is a part of macOS, and this is {host.os or 'another system'}",
        remedy="use the meters of this system: rapl or turbostat for processors, nvidia_smi for NVIDIA boards",
    )


def meter(host: Host) -> Meter:
    """The offer; it is unavailable."""

    def probe() -> None:
        raise refusal(host)

    @contextmanager
    def open() -> Iterator[None]:
        raise refusal(host)
        yield

    return Meter(name="powermetrics", domains=(), probe=probe, open=open)  # type: ignore[arg-type]
