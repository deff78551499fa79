"""Where parcels lie: a folder, be it inside a git checkout or on a share, or an object store through fsspec."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from wattbook.errors import LedgerError
from wattbook.records import text_id
from wattbook.sharing.parcels import MAX_PACKED, NAME

PARCELS, REFUSED = "parcels", "refused"
MAX_LISTED = 1_000_000
_SHARD = re.compile(r"[0-9a-f]{2}")


class Place(Protocol):
    """What a place for parcels can do; each of its methods raises ``LedgerError`` with a sentence."""

    shown: str  #: safe to print

    @property
    def place_id(self) -> str:
        """A hash of where it is, so that a book knows which place it sent a parcel to."""

    def names(self) -> tuple[set[str], list[str]]:
        """The parcels that are there, and in words what else is."""

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all; a parcel that is there already is the same."""

    def set_aside(self, name: str) -> str:
        """Move a parcel that nobody can take out of the way; answers with where it is now."""


def open_place(where: str) -> Place:
    """A folder by its path, or anything that fsspec knows by its URL."""
    if not where.strip():
        raise LedgerError("the place for parcels has no name; is a variable unset?")
    scheme, found, rest = where.partition("://")
    if found and scheme == "file":
        return Folder(Path(rest))
    return Store(where) if found else Folder(Path(where))


class Folder:
    """A folder that all who share can see."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path.expanduser()))
        self.shown = str(self.path)

    @property
    def place_id(self) -> str:
        return text_id(f"file://{os.path.realpath(self.path)}")

    def names(self) -> tuple[set[str], list[str]]:
        base = self.path / PARCELS
        found: set[str] = set()
        others: list[str] = []
        with _told(self.shown):
            if not self.path.is_dir():
                raise LedgerError(f"{self.shown}: there is no such folder; make it, or is a disk not mounted?")
            if base.is_symlink():
                raise LedgerError(f"{base}: is a link, and parcels are not looked for behind one")
            for shard in sorted(os.scandir(base), key=lambda one: one.name) if base.is_dir() else []:
                if not (shard.is_dir(follow_symlinks=False) and _SHARD.fullmatch(shard.name)):
                    others += [] if shard.name.startswith(".") else [f"{PARCELS}/{shard.name}: is no folder of parcels"]
                    continue
                for one in os.scandir(shard.path):
                    if one.name.startswith("."):
                        continue  # a file that somebody is writing
                    if NAME.fullmatch(one.name) and one.name[:2] == shard.name and one.is_file(follow_symlinks=False):
                        found.add(one.name)
                    else:
                        others.append(f"{PARCELS}/{shard.name}/{one.name}: is no parcel")
                    if len(found) > MAX_LISTED:
                        raise LedgerError(f"{self.shown}: holds more than {MAX_LISTED} parcels")
        return found, sorted(others)

    def read(self, name: str) -> bytes:
        with _told(self._path(name)):
            fd = os.open(self._path(name), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with open(fd, "rb") as stream:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise LedgerError(f"{self._path(name)}: is no file")
                return stream.read(MAX_PACKED + 1)

    def write(self, name: str, content: bytes) -> None:
        target = self._path(name)
        unfinished = target.parent / f".{name}.{os.getpid()}-{os.urandom(4).hex()}"
        with _told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(unfinished, "xb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.replace(unfinished, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(unfinished)
                raise
            self._sync(target.parent)

    def set_aside(self, name: str) -> str:
        target = self.path / REFUSED / name
        number = 1
        with _told(target):
            target.parent.mkdir(exist_ok=True)
            while os.path.lexists(target):
                number += 1
                target = self.path / REFUSED / f"{name}.{number}"
            os.rename(self._path(name), target)
        return str(target)

    def _path(self, name: str) -> Path:
        return self.path / PARCELS / name[:2] / name

    def _sync(self, folder: Path) -> None:
        """So that a name survives a crash of the machine, where the system can promise that."""
        with suppress(OSError):
            fd = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


class Store:
    """An object store: an object is there as a whole or not at all."""

    def __init__(self, url: str) -> None:
        try:
            import fsspec
        except ModuleNotFoundError as error:
            raise LedgerError(f"{url}: object stores need fsspec: pip install 'wattbook[share]'") from error
        self.shown = re.sub(r"//[^/@]*@", "//***@", url)
        with self._told():
            self._fs, root = fsspec.core.url_to_fs(url)
            self._root = str(root).rstrip("/")

    @property
    def place_id(self) -> str:
        return text_id(f"{self._fs.protocol}://{self._root}")

    def names(self) -> tuple[set[str], list[str]]:
        with self._told():
            self._fs.invalidate_cache()
            try:
                paths = [str(path) for path in self._fs.find(f"{self._root}/{PARCELS}")]
            except FileNotFoundError:
                return set(), []
        names = {path.rpartition("/")[2] for path in paths}
        found = {name for name in names if NAME.fullmatch(name)}
        return found, sorted(f"{PARCELS}/…/{name}: is no parcel" for name in names - found)

    def read(self, name: str) -> bytes:
        with self._told(), self._fs.open(self._path(name), "rb") as stream:
            content: bytes = stream.read(MAX_PACKED + 1)
            return content

    def write(self, name: str, content: bytes) -> None:
        with self._told():
            self._fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(self._path(name), content)

    def set_aside(self, name: str) -> str:
        target = f"{self._root}/{REFUSED}/{name}"
        with self._told():
            self._fs.makedirs(f"{self._root}/{REFUSED}", exist_ok=True)
            self._fs.mv(self._path(name), target)
        return target

    def _path(self, name: str) -> str:
        return f"{self._root}/{PARCELS}/{name[:2]}/{name}"

    @contextmanager
    def _told(self) -> Iterator[Any]:
        """Every store has errors of its own; what they say is told, and the class of the error."""
        try:
            yield
        except LedgerError:
            raise
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise LedgerError(f"{self.shown}: {said or type(error).__name__}") from error


@contextmanager
def _told(shown: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(f"{shown}: {error.strerror or error}") from error
