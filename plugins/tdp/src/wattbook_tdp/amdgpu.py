"""How busy AMD's boards are, as the amdgpu driver tells: what their model needs where nothing measures them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from attrs import define
from wattbook import Busy, Domain, Host, Meter, ReadError, Unavailable

DEVICES = "/sys/bus/pci/devices"
FILE = "gpu_busy_percent"  #: kernel documentation, "GPU Power/Thermal Controls and Monitoring" of drm/amdgpu
INTERVAL_S = 1.0
_SLOT = re.compile(r"gpu:([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")


def offers(host: Host, folder: str = DEVICES) -> Iterator[Meter]:
    """One offer for all boards of the host that are named by their place on the bus; none where there is none."""
    paths = {
        Domain(device=chip.device, name="busy", model=chip.name): os.path.join(folder, found[1], FILE)
        for chip in host.gpus
        if (found := _SLOT.fullmatch(chip.device))
    }
    if not paths:
        return

    def telling() -> dict[Domain, str]:
        return {domain: path for domain, path in paths.items() if _told(path) is not None}

    def probe() -> Sequence[Domain]:
        domains = tuple(telling())
        if not domains:
            raise Unavailable(f"no board here has a {FILE}", remedy="load the amdgpu driver of a newer kernel")
        return domains

    @contextmanager
    def opened() -> Iterator[BusySession]:
        yield BusySession(telling())

    yield Meter(name="amdgpu", domains=tuple(paths), interval_s=INTERVAL_S, probe=probe, open=opened)


@define
class BusySession:
    """The driver's percentages, one a board and read."""

    paths: dict[Domain, str]
    clock: Callable[[], float] = time.monotonic

    def read(self) -> Iterator[Busy]:
        answered = False
        for domain, path in self.paths.items():
            percent = _told(path)
            if percent is not None:
                answered = True
                yield Busy(at_s=self.clock(), domain=domain, share=percent / 100)
        if not answered:
            raise ReadError(f"no board tells its {FILE} any more")


def _told(path: str) -> int | None:
    try:
        with open(path, "rb") as stream:
            text = stream.read(16).strip()
    except OSError:  # the board sleeps, or is gone
        return None
    return int(text) if text.isdigit() and int(text) <= 100 else None
