"""The file of keys: who is who, on this machine or shared by those who may know."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wattbook.config import user_folder

if TYPE_CHECKING:
    from wattbook.config import Privacy

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

VERSION = 1
MAX_BYTES = 16 << 20
FILE = "people.json"


def hashed(name: str, key: str) -> str:
    """64 bits of keyed BLAKE2b."""
    import hashlib

    return (
        "p-"
        + hashlib.blake2b(name.encode("utf-8", "surrogateescape"), key=bytes.fromhex(key), digest_size=8).hexdigest()
    )


class Keys:
    """The keys in one file; every method raises ``OSError`` where it cannot be read or kept."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._known: dict[str, str] = {}  #: name -> pseudonym, as the file was when it was read last

    @classmethod
    def of(cls, privacy: Privacy) -> Keys:
        """The configured file, else one in the folder of the user's state."""
        where = privacy.keys or os.path.join(os.environ.get("WATTBOOK_STATE") or user_folder("state"), FILE)
        path = os.path.expanduser(where)
        if not os.path.isabs(path):
            raise OSError(f"there is no home folder, so {path!r} is no place for keys")
        return _ALL.setdefault(path, cls(path))

    def pseudonym(self, name: str) -> str:
        """The person's pseudonym; whoever is new gets a key."""
        return self.pseudonyms((name,))[name]

    def pseudonyms(self, names: Collection[str]) -> dict[str, str]:
        """The pseudonyms of several people: the file is read once, and once more and written where some are new."""
        if any(name not in self._known for name in names):
            self._known = _by_name(self._read())
        new = [name for name in dict.fromkeys(names) if name not in self._known]
        if new:
            with self._changing() as content:
                known = _by_name(content)
                for name in new:
                    if name in known:
                        continue  # another process was faster
                    key = os.urandom(32).hex()
                    known[name] = made = hashed(name, key)
                    content["people"][made] = {"name": name, "key": key}
            self._known = known  # only what was written
        return {name: self._known[name] for name in names}

    def names(self) -> dict[str, str]:
        """Pseudonym -> name, for those whose key is here; ``""`` for those who were erased."""
        content = self._read()
        return {**dict.fromkeys(content["erased"], ""), **{p: str(one["name"]) for p, one in content["people"].items()}}

    def erase(self, person: str) -> list[str]:
        """Destroy the keys of a name or pseudonym; the pseudonyms that nobody can trace any more."""
        with self._changing() as content:
            gone = [p for p, one in content["people"].items() if person in (p, one["name"])]
            for one in gone:
                del content["people"][one]
            content["erased"] = sorted({*content["erased"], *gone})
        self._known.clear()
        return gone

    def is_erased(self, label: str) -> bool:
        return label in self._read()["erased"]

    def _read(self) -> dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as stream:
                content: dict[str, Any] = json.loads(stream.read(MAX_BYTES))
            sound = isinstance(content, dict) and all(
                isinstance(one, dict) and isinstance(one.get("name"), str) for one in content["people"].values()
            )
            if not sound or not isinstance(content["erased"], list):
                raise ValueError
        except FileNotFoundError:
            return {"version": VERSION, "people": {}, "erased": []}
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise OSError(0, "is no file of keys; it was left alone", self.path) from error
        return content

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The content under a lock; written whole, with nothing of the old one left."""
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            content = self._read()
            yield content
            self._write(content)
        finally:
            os.close(lock)

    def _write(self, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1, sort_keys=True)
        if len(text) > MAX_BYTES:
            raise OSError(errno.EFBIG, "is full: more people do not fit into one file of keys", self.path)
        unfinished = f"{self.path}.{os.getpid()}.new"
        try:
            fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(fd, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(unfinished, self.path)
        except OSError:
            if os.path.exists(unfinished):
                os.unlink(unfinished)
            raise


def _by_name(content: Mapping[str, Any]) -> dict[str, str]:
    """Name -> pseudonym; of two keys of one name the first counts, as it always did."""
    found: dict[str, str] = {}
    for known, person in content["people"].items():
        found.setdefault(person["name"], str(known))
    return found


_ALL: dict[str, Keys] = {}
