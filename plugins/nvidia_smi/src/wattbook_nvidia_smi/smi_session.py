"""Rows of a running nvidia-smi, integrated as they arrive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from attrs import define, field
from wattbook import ImportFailed, Missed, Problem, ReadError, Sample

from wattbook_nvidia_smi import csv_
from wattbook_nvidia_smi.domains import board_of
from wattbook_nvidia_smi.gpu import BOARD, GpuSample
from wattbook_nvidia_smi.joules import GaugeTrack
from wattbook_nvidia_smi.lines import number
from wattbook_nvidia_smi.processes import Users
from wattbook_nvidia_smi.smi_users import SmiUsers

FIRST_ROW_S = 5.0  #: without persistence mode the driver is loaded first
SWEEP_S = 0.1  #: the rows of all GPUs come together
STALE_S = 10.0


@define
class SmiSession:
    """Rows arrive in a thread and are integrated there; ``read`` answers with what stands."""

    output: IO[str]
    clock: Callable[[], float] = time.monotonic
    first_row_s: float = FIRST_ROW_S
    asked: SmiUsers | None = None  #: who uses the boards
    _tracks: dict[str, GaugeTrack] = field(factory=dict, init=False)
    _last: dict[str, Sample] = field(factory=dict, init=False)
    _missed: list[Missed] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _started: threading.Event = field(factory=threading.Event, init=False)
    _end: str = field(default="", init=False)
    _said: str = field(default="", init=False)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._listen, name="wattbook nvidia-smi", daemon=True)
        self._thread.start()

    def read(self) -> Iterator[Sample | Missed]:
        if not self._started.is_set() and self._started.wait(self.first_row_s):
            self._thread.join(SWEEP_S)
        with self._lock:
            now = self.clock()
            for device, sample in self._last.items():
                if not self._end and now - sample.at_s > STALE_S:
                    self._keep(self._tracks[device].lose("nvidia-smi prints no row of it any more", now))
            answers: list[Sample | Missed] = [
                *self._missed,
                *(s for s in self._last.values() if now - s.at_s <= STALE_S),
            ]
            self._missed = []
            ended, said = self._end, self._said
        yield from answers
        if ended:
            raise ReadError(ended)
        if not answers:
            raise ReadError(said or "nvidia-smi has printed no power so far")

    def users(self) -> dict[str, Users]:
        """The processes on each board, as nvidia-smi told them last; raises ``ReadError``."""
        if self.asked is None:
            raise ReadError("nobody here tells which processes use a GPU")
        return self.asked.users()

    def _keep(self, items: Iterable[Sample | Missed]) -> None:
        self._missed += [item for item in items if isinstance(item, Missed)]

    def _listen(self) -> None:
        try:
            for item in csv_.samples(number(self.output)):
                self._take(item)
            ended = "nvidia-smi ended"
        except ImportFailed as error:
            ended = error.reason
        except (OSError, ValueError):  # a pseudo-terminal ends with EIO; closing it under the reader is a ValueError
            ended = "nvidia-smi ended"
        with self._lock:
            self._end = f"{ended}: {self._said}" if self._said else ended
        self._started.set()

    def _take(self, item: GpuSample | Problem) -> None:
        with self._lock:
            now = self.clock()
            if isinstance(item, Problem):
                self._said = item.reason
                return
            device, power = item.gpu.device, item.power(BOARD)
            if power is None and device not in self._tracks:
                self._said = f"{device}: {item.said(BOARD)}"
                return
            if device not in self._tracks:
                self._tracks[device] = GaugeTrack(domain=board_of(device, item.gpu.name))
            track = self._tracks[device]
            if power is None:
                self._keep(track.lose(f"nvidia-smi says {item.said(BOARD)}", now))
            else:
                self._keep(track.take(power[1], now))
                self._last[device] = track.sample(now)
        self._started.set()

    def ended(self, timeout_s: float) -> bool:
        """Wait for the last row; whether it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()
