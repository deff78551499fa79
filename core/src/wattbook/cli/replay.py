"""Play a folder of inputs into a book, step by step as its ``replay.toml`` says, through the verbs themselves."""

from __future__ import annotations

import io
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
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
    path = folder / "replay.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path)) from error
    return structure(Script, table, where=str(path))


def play(folder: Path, script: Script, url: str, tell: Callable[[str], object]) -> None:
    """Every step as if it had been typed; *tell* hears the verb's own lines."""
    with _recorded_at(script.recorded_at):
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
def _recorded_at(moment: str) -> Iterator[None]:
    """Stamp what is recorded with a fixed moment, so that two replays are alike to the byte."""
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()))
    try:
        yield
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before
