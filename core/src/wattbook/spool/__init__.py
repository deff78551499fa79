"""The crash-safe outbox: one append-only file of JSON Lines for each running process.

Every line carries a checksum and goes out in one write.  The writer holds an advisory lock on its file
for as long as it lives, so that a reader can tell a running spool from a dead one without waiting and
without trusting process numbers, which are used again.

====== ==========================================================================================
line   content
====== ==========================================================================================
run    the run, as far as it is known; a later line replaces an earlier one
piece  the final entries of a stretch of the run that is over
poll   the entries of the running stretch so far; a later line replaces an earlier one
grown  the entries of the last poll go on to a later moment, with these figures
end    the run as it ended, and the entries of its last stretch
====== ==========================================================================================
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from wattbook.config import user_folder

if TYPE_CHECKING:
    from wattbook.spool.reading import SpoolContent

try:
    import fcntl
except ImportError:  # not on Windows: there a spool that is not complete counts as dead
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".jsonl"
DAMAGED = "damaged"  #: the folder beside the spools for files that nobody can read
UNLOCKED_LIVE_S = 3_600  #: on a file system without locks, a spool written to within this time may be live


def folder() -> str:
    """Where the spools lie: ``WATTBOOK_STATE``, else the user's state folder; ``OSError`` where there is none."""
    chosen = os.environ.get("WATTBOOK_STATE")
    if not chosen:
        chosen = user_folder("state")
    if not os.path.isabs(chosen):
        raise OSError(f"there is no home folder, so {chosen!r} is not a place for the spool")
    return os.path.join(chosen, "spool")


def paths(where: str | None = None) -> list[str]:
    """All spools, oldest run first; none where there is no folder."""
    try:
        base = where or folder()
        return sorted(os.path.join(base, name) for name in os.listdir(base) if name.endswith(SUFFIX))
    except OSError:
        return []


def is_live(path: str | os.PathLike[str]) -> bool:
    """Whether the writer of this spool still runs; never waits."""
    if fcntl is None:
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: a spool that was written to lately may be live
        return not read(path).complete and time.time() - os.fstat(fd).st_mtime < UNLOCKED_LIVE_S
    finally:
        os.close(fd)
    return False


def set_aside(path: str | os.PathLike[str]) -> str:
    """Move a file that nobody can read out of the way, keeping it; answers with its new name."""
    base, name = os.path.split(os.fspath(path))
    os.makedirs(os.path.join(base, DAMAGED), mode=0o700, exist_ok=True)
    target = os.path.join(base, DAMAGED, name)
    number = 1
    while os.path.exists(target):
        number += 1
        target = os.path.join(base, DAMAGED, f"{name}.{number}")
    os.rename(path, target)
    return target


def read(path: str | os.PathLike[str]) -> SpoolContent:
    """What a spool says, be its writer live or dead; raises ``OSError`` where the file cannot be read."""
    from wattbook.spool.reading import read

    return read(path)


def __getattr__(name: str) -> Any:
    """Load the writer and the reader when they are used: a run needs the one, the book the other."""
    if name == "SpoolWriter":
        from wattbook.spool.writing import SpoolWriter

        return SpoolWriter
    if name == "SpoolContent":
        from wattbook.spool.reading import SpoolContent

        return SpoolContent
    raise AttributeError(f"module 'wattbook.spool' has no attribute {name!r}")
