"""Other tools that watch a command, each in an environment of its own: how they are installed and started."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

#: zeus has no command that wraps another one; this is its API's shortest way
ZEUS = """
import subprocess, sys
from zeus.monitor import ZeusMonitor
monitor = ZeusMonitor(approx_instant_energy=False)
monitor.begin_window("run")
code = subprocess.run(sys.argv[1:]).returncode
monitor.end_window("run")
sys.exit(code)
"""
LAST_LINES = 300  #: of what a peer said, characters


class Peer(NamedTuple):
    """One tool: what pip installs, and the words that come before a command (``{bin}``: its programs)."""

    requirement: str
    words: tuple[str, ...]


PEERS = {
    "codecarbon": Peer(
        "codecarbon==3.3.2", ("{bin}/codecarbon", "monitor", "--offline", "--country-iso-code", "FRA", "--")
    ),
    "carbontracker": Peer("carbontracker==2.4.7", ("{bin}/carbontracker",)),
    "zeus": Peer("zeus==0.16.0", ("{bin}/python", "-c", ZEUS)),
    "perun": Peer("perun==1.0.0", ("{bin}/perun", "monitor", "--binary")),
}


class Left(NamedTuple):
    """A peer that takes no part, and why."""

    peer: str
    reason: str


def install(peer: str, home: Path) -> list[str]:
    """The words before a command; the environment is made under *home* where it is not there yet.

    Raises ``subprocess.CalledProcessError`` where pip fails.
    """
    folder, programs = home / peer, home / peer / "bin"
    done = folder / "installed"
    if not done.exists() or done.read_text(encoding="utf-8") != PEERS[peer].requirement:
        venv.create(folder, with_pip=True, clear=True)
        words = [programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*words, PEERS[peer].requirement], check=True, capture_output=True, text=True)
        done.write_text(PEERS[peer].requirement, encoding="utf-8")
    return [word.replace("{bin}", str(programs)) if "{bin}" in word else word for word in PEERS[peer].words]


def ready(names: Sequence[str], home: Path, env: Mapping[str, str]) -> tuple[dict[str, list[str]], list[Left]]:
    """The peers that can wrap an empty command here, and those that cannot."""
    found: dict[str, list[str]] = {}
    left: list[Left] = []
    for name in names:
        print(f"{name}: looking for it in {home / name}", file=sys.stderr)
        try:
            words = install(name, home)
            tried = subprocess.run(
                [*words, "true"], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
            )
        except subprocess.CalledProcessError as error:
            left.append(Left(name, f"pip does not install it: {_last(error.stderr)}"))
        except subprocess.TimeoutExpired:
            left.append(Left(name, "it did not end within two minutes"))
        except OSError as error:
            left.append(Left(name, f"it does not start: {error.strerror}"))
        else:
            if tried.returncode:
                left.append(Left(name, f"exit code {tried.returncode}: {_last(tried.stderr or tried.stdout)}"))
            else:
                found[name] = words
    return found, left


def _last(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return " ".join(lines)[-LAST_LINES:] or "it said nothing"
