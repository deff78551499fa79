"""Which boards a command's processes used, and how much of their energy: asked at every poll of their meter."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from attrs import define, evolve, frozen

from wattbook.metering import Busy, Meter, Missed, Sample, Session
from wattbook.pipeline.attribute import Share, is_board
from wattbook.pipeline.processor import carries

MAX_STEPS = 100  #: from a process up to the command's
UNSURE = 0.5  #: shared boards: busy time says this little about power

Users = Mapping[int, float | None]  #: by process number: the part of the time in which it was busy, where told


@frozen(kw_only=True)
class Seen:
    """Who used a board at one poll."""

    ours: bool = False
    others: bool = False
    part: float = 0.0  #: of the use that is the command's
    even: bool = False  #: nobody tells by how much each used it


@define
class Board:
    """One board's energy over the running stretch, by who used it."""

    seen_j: float = 0.0
    ours_j: float = 0.0
    low_j: float = 0.0
    high_j: float = 0.0
    unknown_j: float = 0.0
    polls: int = 0
    used_polls: int = 0
    shared: bool = False
    even: bool = False

    def take(self, joules: float, before: Seen | None, now: Seen | None) -> None:
        """One step of the counter between two polls, where ``None`` is not known."""
        self.polls += 1
        self.seen_j += joules
        both = [seen for seen in (before, now) if seen is not None]
        if not both:
            self.unknown_j += joules
            return
        present = [seen for seen in both if seen.ours]
        if not present:
            return
        self.used_polls += 1
        alone = not any(seen.others for seen in present)
        part = 1.0 if alone else sum(seen.part for seen in present) / len(present)
        self.ours_j += joules * part
        if alone:
            low, high = 1.0, 1.0
        else:
            self.shared = True
            self.even = self.even or any(seen.even for seen in present)
            low, high = (0.0, 1.0) if self.even else (part * (1 - UNSURE), min(1.0, part * (1 + UNSURE)))
        if len(present) < len(both):  # it came or went in between
            low /= 2
        self.low_j += joules * low
        self.high_j += joules * high

    def share(self) -> Share | None:
        """The part of the board's energy that is the command's; ``None`` where who used it is not known."""
        if not self.polls or (self.unknown_j and self.unknown_j >= self.seen_j):
            return None
        known_j = self.seen_j - self.unknown_j
        if known_j <= 0:
            value = low = high = float(bool(self.used_polls) and not self.shared)
        else:
            value = min(1.0, self.ours_j / known_j)
            low = min(value, self.low_j / self.seen_j)
            high = max(value, min(1.0, (self.high_j + self.unknown_j) / self.seen_j))
        if not self.used_polls:
            told = "none of its processes used it"
        elif not self.shared:
            told = "only its processes used it, while they did"
        elif self.even:
            told = "shared with other processes, evenly while both used it"
        else:
            told = "shared with other processes, by the time each kept it busy"
        return Share(value=value, low=low, high=high, told=told)

    def reserved(self) -> Share:
        """A whole board is reserved while it is used."""
        part = self.used_polls / self.polls if self.polls else 0.0
        return Share(value=part, low=part, high=part, told="a whole board, while the command used it")


class Boards:
    """The boards of all meters of a run; the meters' threads fill it in."""

    def __init__(self, is_ours: Callable[[int], bool]) -> None:
        self._is_ours = is_ours
        self._lock = threading.Lock()
        self._boards: dict[str, Board] = {}
        self._last: dict[str, tuple[float, Seen | None]] = {}
        self._why: dict[str, str] = {}  #: by device, why its users are not known

    def watched(self, meter: Meter) -> Meter:
        """The same meter, whose boards are looked at whenever it is read."""
        return evolve(meter, open=lambda: self._opened(meter.open()))

    @contextmanager
    def _opened(self, opening: AbstractContextManager[Session]) -> Iterator[Session]:
        with opening as session:
            yield _Watched(session, self)

    def take(self, samples: list[Sample], users: Mapping[str, Users] | None, why: str) -> None:
        """The samples of one poll and who used the boards then."""
        seen = {device: self._seen(some) for device, some in (users or {}).items()}
        with self._lock:
            for sample in samples:
                device, address = sample.domain.device, sample.domain.address
                now = seen.get(device)
                last_j, before = self._last.get(address, (None, None))
                self._last[address] = sample.energy_j, now
                if now is None:
                    self._why[device] = why or "its meter does not tell which processes use it"
                if last_j is not None:
                    self._boards.setdefault(address, Board()).take(max(0.0, sample.energy_j - last_j), before, now)

    def _seen(self, users: Users) -> Seen:
        ours = {pid for pid in users if self._is_ours(pid)}
        if not ours or len(ours) == len(users):
            return Seen(ours=bool(ours), others=bool(users) and not ours, part=float(bool(ours)))
        busy = list(users.values())
        total = sum(part or 0.0 for part in busy)
        if total > 0 and all(part is not None for part in busy):
            return Seen(ours=True, others=True, part=sum(users[pid] or 0.0 for pid in ours) / total)
        return Seen(ours=True, others=True, part=len(ours) / len(users), even=True)

    def share(self, address: str) -> tuple[Share | None, Share | None, str]:
        """Of a board, in the running stretch: what the command used, what it reserved, or why that is not known."""
        device = address.rpartition("/")[0]
        with self._lock:
            board = self._boards.get(address)
            share = None if board is None else board.share()
            why = self._why.get(device, "it was not read often enough to see which processes use it")
            reserved = None if board is None or share is None else board.reserved()
        return share, reserved, "" if share is not None else f"which processes used it is not known: {why}"

    def start_stretch(self) -> None:
        with self._lock:
            self._boards.clear()


class _Watched:
    """A session that looks at its boards' users after every reading."""

    def __init__(self, session: Session, boards: Boards) -> None:
        self._session, self._boards = session, boards
        self._users: Any = getattr(session, "users", None)

    def read(self) -> Iterator[Sample | Missed | Busy]:
        samples = []
        try:
            for item in self._session.read():
                if isinstance(item, Sample) and is_board(item.domain.device):
                    samples.append(item)
                yield item
        finally:
            if samples:
                self._look(samples)

    def _look(self, samples: list[Sample]) -> None:
        users, why = None, ""
        if self._users is not None:
            try:
                users = {str(device): dict(some) for device, some in self._users().items()}
            except Exception as error:  # what a plugin says about users must not cost its readings
                why = str(error).strip().split("\n")[0] or type(error).__name__
        self._boards.take(samples, users, why)


def descends_from(root: int, run_id: str) -> Callable[[int], bool]:
    """Whether a process is one of the command's: it comes from *root*, or carries the run in its environment."""

    def is_ours(pid: int) -> bool:
        one = pid
        for _ in range(MAX_STEPS):
            if one == root:
                return True
            above = _parent_of(one)
            if above is None or above <= 1:
                break
            one = above
        return carries(pid, run_id)

    return is_ours


def _parent_of(pid: int) -> int | None:
    if not sys.platform.startswith("linux"):
        import psutil

        try:
            return int(psutil.Process(pid).ppid())
        except psutil.Error:
            return None
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
