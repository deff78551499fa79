"""Builders that the tests of this plugin share."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from wattbook import ImportSource, Recording, SourceFile
from wattbook_powermetrics.recording import importers

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def data() -> Callable[[str], bytes]:
    """The content of a synthetic recording."""
    return lambda name: (DATA / name).read_bytes()


@pytest.fixture(scope="session")
def imported() -> Callable[..., Recording]:
    """What the importer that recognises these bytes makes of them; keywords are what the user said."""

    def read(content: bytes, **said: object) -> Recording:
        file = SourceFile(path=Path("recording"), head=content[:65_536], opener=lambda: io.BytesIO(content))
        (importer,) = [offer for offer in importers() if offer.sniff(file)]
        (recording,) = importer.read(ImportSource(files=(file,), **said))  # type: ignore[arg-type]
        assert isinstance(recording, Recording)
        return recording

    return read


class Recorded:
    """A powermetrics that prints a recording, then stays silent until it is stopped, or ends."""

    def __init__(self, content: bytes, *, stays: bool = True, said: str = "") -> None:
        self._lines = content.splitlines(keepends=True)
        self._stays, self._said = stays, said
        self._stop = threading.Event()
        self.stopped = self.pokes = 0

    def lines(self) -> Iterator[bytes]:
        yield from self._lines
        if self._stays:
            self._stop.wait()

    def poke(self) -> None:
        self.pokes += 1

    def stop(self) -> None:
        self.stopped += 1
        self._stop.set()

    def said(self) -> str:
        return self._said


class Runner:
    """Stands in for starting processes: remembers the commands, and hands out recorded ones in turn."""

    def __init__(self, *children: Recorded) -> None:
        self.children = list(children)
        self.commands: list[tuple[str, ...]] = []
        self.started: list[Recorded] = []

    def __call__(self, argv: Sequence[str]) -> Recorded:
        self.commands.append(tuple(argv))
        self.started.append(self.children.pop(0))
        return self.started[-1]


@pytest.fixture(scope="session")
def recorded() -> type[Recorded]:
    return Recorded


@pytest.fixture(scope="session")
def runner() -> type[Runner]:
    return Runner
