"""Play a folder of inputs into a book, step by step as its ``replay.toml`` says, through the verbs themselves."""

from __future__ import annotations

import io
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from wattbook.config import structure
from wattbook.errors import ConfigError


@frozen(kw_only=True)
class Step:
    """One import or one jobs file, with what is said about it."""

    files: tuple[str, ...] = ()
    jobs: str | None = None
    host: str | None = None
    site: str | None = None
    account: str | None = None
    project: str | None = None
    phase: str | None = None
    platform: str | None = None
    timezone: str | None = None

    def arguments(self, folder: Path) -> list[str]:
        """The command line of this step, without the book and the configuration."""
        said = {
            "host": self.host, "site": self.site, "account": self.account, "project": self.project,
            "phase": self.phase, "platform": self.platform, "timezone": self.timezone,
        }  # fmt: skip
        options = [part for name, value in said.items() if value is not None for part in (f"--{name}", value)]
        if self.jobs is not None:
            return ["log", str(folder / self.jobs), *options]
        return ["import", *(str(folder / name) for name in self.files), *options]


@frozen(kw_only=True)
class Script:
    """A replay: its steps, whether everything in it is made up, and the moment it is recorded at."""

    name: str = ""
    synthetic: bool = False
    recorded_at: str = "1970-01-01T00:00:00Z"
    month: str = ""
    steps: tuple[Step, ...] = field(default=())


def script_of(folder: Path) -> Script:
    """The folder's ``replay.toml``; raises ``ConfigError`` with the path of a wrong key."""
    from wattbook.report import Period

    path = folder / "replay.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path)) from error
    script = structure(Script, table, where=str(path))
    try:
        Period.from_month(script.month, "UTC")
    except ValueError as error:
        raise ConfigError(str(error), where=f"{path}: month") from error
    try:
        _seconds(script.recorded_at)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{script.recorded_at!r} is not a time such as 2026-11-24T00:00:00Z", where=f"{path}: recorded_at"
        ) from error
    for number, step in enumerate(script.steps):
        if bool(step.files) == (step.jobs is not None):
            raise ConfigError("a step has files, or jobs", where=f"{path}: steps[{number}]")
    return script


def recorded_at(script: Script) -> datetime:
    """The moment that everything of a replay is stamped with."""
    return datetime.fromtimestamp(_seconds(script.recorded_at), UTC)


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp())


def play(folder: Path, script: Script, url: str, tell: Callable[[str], object]) -> None:
    """Every step as if it had been typed; *tell* hears the verb's own lines."""
    with _by_itself(script.recorded_at):
        for step in script.steps:
            common = ["--ledger", url, "--config", str(folder / "team.toml"), "--quiet"]
            if script.synthetic:
                common.append("--synthetic")
            for line in _spoken([*step.arguments(folder), *common]):
                tell(line.replace(f"{folder}/", ""))


def _spoken(arguments: list[str]) -> list[str]:
    """Run one verb in this process and take what it prints."""
    from wattbook.cli import main

    said = io.StringIO()
    with redirect_stdout(said):
        main(arguments, standalone_mode=False)
    return said.getvalue().splitlines()


@contextmanager
def _by_itself(moment: str) -> Iterator[None]:
    """Stamp what is recorded with a fixed moment, and let no setting of the user in: two replays are alike to the byte."""
    before = dict(os.environ)
    for name in ("WATTBOOK_PROJECT", "WATTBOOK_PHASE", "WATTBOOK_CONFIG", "WATTBOOK_LEDGER"):
        os.environ.pop(name, None)
    os.environ["SOURCE_DATE_EPOCH"] = str(_seconds(moment))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
