"""Remember when the machine was seen last, in one small file that also says who watches."""

from __future__ import annotations

import contextlib
import json
import os
import zlib

from wattbook.errors import WattbookError
from wattbook.spool import folder
from wattbook.watching.absence import Seen

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

SIZE = 512  #: one block, written in place: a crash leaves the old content or the new one
NAME = "watch.json"


class AlreadyWatched(WattbookError):
    """Another watch records this machine into the same folder."""


class LastSeen:
    """The file, locked for as long as this watch records."""

    def __init__(self, path: str, fd: int) -> None:
        self.path, self._fd = path, fd

    @classmethod
    def open(cls, where: str | None = None) -> LastSeen:
        """Raises ``OSError`` where there is no place for it, ``AlreadyWatched`` where another one holds it."""
        base = where or os.path.dirname(folder())
        os.makedirs(base, mode=0o700, exist_ok=True)
        path = os.path.join(base, NAME)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if fcntl is not None:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                raise AlreadyWatched(
                    f"another 'wattbook watch --record' already keeps this machine's book in {base}"
                ) from None
            except OSError:
                pass  # a file system without locks
        return cls(path, fd)

    def read(self) -> Seen | None:
        """What the last watch left; ``None`` where there was none, or its file is damaged."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            body, _, checksum = os.pread(self._fd, SIZE, 0).decode().strip().rpartition("\t")
            if checksum == f"{zlib.crc32(body.encode()):08x}":
                return Seen(**json.loads(body))
        return None

    def write(self, seen: Seen) -> None:
        body = json.dumps(seen._asdict())
        os.pwrite(self._fd, f"{body}\t{zlib.crc32(body.encode()):08x}\n".ljust(SIZE).encode(), 0)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
