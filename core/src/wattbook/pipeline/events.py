"""What a run's observer is told, and where its result goes: shapes for whoever starts a run."""

from __future__ import annotations

from typing import Any, Protocol


class Event(Protocol):
    """What happened to the command: it was ``paused``, it was ``resumed``, it ``ended``."""

    @property
    def kind(self) -> str: ...
    @property
    def at_s(self) -> float: ...
    @property
    def stat(self) -> bytes: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def signal(self) -> str | None: ...
    @property
    def cpu_s(self) -> float | None: ...
    @property
    def own_cpu_s(self) -> float | None: ...


class Events(Protocol):
    """Where such news comes from."""

    ended: bool

    def take(self, timeout_s: float) -> Event | None: ...
    def done(self) -> None: ...


class Box(Protocol):
    """Where the result goes."""

    step: str
    document: dict[str, Any] | None
    troubles: list[str]
