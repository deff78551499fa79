"""Read an import to its end and hash its evidence, before anything of it is recorded."""

from __future__ import annotations

import gc
import gzip
import hashlib
import logging
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from attrs import evolve, field, frozen

from wattbook.cloud import Usage
from wattbook.errors import ImportFailed
from wattbook.importing.choosing import Chosen
from wattbook.importing.opening import Handed
from wattbook.model import ImportSource, Problem, Recording, Sheet, Statement
from wattbook.plugins import Broken

BOMB_BYTES, BOMB_RATIO = 256 << 20, 400  #: a gzip file that unpacks to more than both is refused

T = TypeVar("T")
log = logging.getLogger("wattbook")


@frozen(kw_only=True)
class Imported:
    """What one import says, read to its end and hashed; nothing is recorded yet."""

    plugin: str
    plugin_version: str
    format: str
    basis: str
    shown: tuple[str, ...]
    names: tuple[str, ...]  #: of the files, without their folders
    sha256: str
    recordings: tuple[Recording, ...] = field(default=(), repr=False)
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    sheets: tuple[Sheet, ...] = field(default=(), repr=False)  #: figures by the million, read when they are wanted
    usages: tuple[Usage, ...] = field(default=(), repr=False)  #: hours of a bill
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    assumed: bool = False  #: when the recording began is not known; its file's date stands for its end


def read(chosen: Chosen, said: ImportSource, *, version: str = "", to_record: bool = False) -> Imported:
    """Read everything of one import; raises ``ImportFailed`` with file, line and field.

    *said* holds what the user said; its files are replaced by the chosen ones.  A recording that says how
    long it took but not when, and is *to_record*, is taken to have ended when its file was last written.
    """
    imported = _read(chosen, said, version)
    start = _assumed_start(imported, chosen) if to_record and said.start is None else None
    if start is None:
        return imported
    told = (
        "the recording does not say when it began: it is taken to have ended when its file was last written, so to "
        f"have begun at {start:%Y-%m-%dT%H:%M:%SZ}; --start says it better"
    )
    return evolve(_read(chosen, evolve(said, start=start), version), warnings=(told,), assumed=True)


def _assumed_start(imported: Imported, chosen: Chosen) -> datetime | None:
    if len(imported.recordings) != 1 or len(chosen.files) != 1:
        return None
    (recording,) = imported.recordings
    if recording.readings or not recording.duration_s:
        return None
    written = datetime.fromtimestamp(int(chosen.files[0].file.path.stat().st_mtime), UTC)
    return written - timedelta(seconds=recording.duration_s)


def _read(chosen: Chosen, said: ImportSource, version: str) -> Imported:
    sha256 = digest([(one.file.path.name, content_sha256(one)) for one in chosen.files])
    where = together([one.shown for one in chosen.files])
    source = evolve(said, files=tuple(one.file for one in chosen.files))
    recordings: list[Recording] = []
    statements: list[Statement] = []
    sheets: list[Sheet] = []
    usages: list[Usage] = []
    problems: list[Problem] = []
    try:
        for item in _undisturbed((chosen.importer.sheets or chosen.importer.read)(source)):
            if isinstance(item, Statement):
                statements.append(item)
            elif isinstance(item, Sheet):
                sheets.append(item)
            elif isinstance(item, Recording):
                recordings.append(item)
            elif isinstance(item, Usage):
                usages.append(item)
            elif isinstance(item, Problem):
                problems.append(item)
            else:
                raise TypeError(f"it yielded a {type(item).__name__}")
    except ImportFailed as refused:
        raise _shown(refused, chosen) from refused
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFailed("the file is cut or damaged", path=where) from error
    except UnicodeError as error:
        raise ImportFailed(f"is not text in the expected encoding: {error}", path=where) from error
    except OSError as error:
        raise ImportFailed(f"cannot be read: {error.strerror or error}", path=where) from error
    except OverflowError as error:
        raise ImportFailed("its times lie beyond the calendar; is --start right?", path=where) from error
    except Exception as error:
        log.debug("%s failed to read %s", chosen.plugin, chosen.files[0].shown, exc_info=True)
        reason = Broken.from_error(chosen.plugin, "import_provided", error).reason
        raise ImportFailed(
            f"the plugin {chosen.plugin} failed on this file ({reason}); that is a defect of the plugin",
            path=where,
        ) from error
    if not (recordings or statements or sheets or usages):
        raise ImportFailed("holds no power and no carbon figure", path=where)
    months = [*(s.month for s in statements), *(s.month for s in sheets), *(u.month for u in usages)]
    _refuse_future(months, where, datetime.now(UTC))
    return Imported(
        plugin=chosen.plugin, plugin_version=version, format=chosen.importer.format,
        basis=str(chosen.importer.basis), shown=tuple(one.shown for one in chosen.files),
        names=tuple(one.file.path.name for one in chosen.files), sha256=sha256,
        recordings=tuple(recordings), statements=tuple(statements), sheets=tuple(sheets), usages=tuple(usages),
        problems=tuple(evolve(p, path=_name(p.path, chosen)) for p in problems),
    )  # fmt: skip


def _refuse_future(months: Iterable[str], where: str, now: datetime) -> None:
    """Nobody has emitted anything in a month that has not begun anywhere."""
    latest = max((month for month in months if month[:1].isdigit()), default="")
    tomorrow = now + timedelta(days=1)
    if latest > f"{tomorrow:%Y-%m}"[: len(latest)]:
        raise ImportFailed(f"states {latest}, which has not begun by the clock of this machine", path=where)


def _undisturbed(items: Iterator[T]) -> Iterator[T]:
    """The same without the collector of cycles, which would walk all that piles up again and again."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield from items
    finally:
        if collects:
            gc.enable()


def digest(hashes: Sequence[tuple[str, str]]) -> str:
    """The hash of an import: that of its one file, or one over the sorted names and hashes of its files."""
    if len(hashes) == 1:
        return hashes[0][1]
    lines = "".join(f"{name}\0{sha256}\n" for name, sha256 in sorted(hashes))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def content_sha256(one: Handed) -> str:
    """SHA-256 of the content, decompressed, so that a packed copy is the same evidence."""
    found, size = hashlib.sha256(), 0
    packed = one.file.path.stat().st_size if one.file.gzip else None
    try:
        with one.file.open() as stream:
            while block := stream.read(1 << 20):
                found.update(block)
                size += len(block)
                if packed is not None and size > BOMB_BYTES and size > BOMB_RATIO * packed:
                    raise ImportFailed(
                        f"unpacks to more than {BOMB_RATIO} times its size; unpack it yourself if it is no trap",
                        path=one.shown,
                    )
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailed(f"the file is cut or damaged: {error}", path=one.shown) from error
    return found.hexdigest()


def _shown(refused: ImportFailed, chosen: Chosen) -> ImportFailed:
    path = _name(refused.path, chosen) or together([one.shown for one in chosen.files])
    return ImportFailed(refused.reason, path=path, line=refused.line, field=refused.field)


def together(shown: Sequence[str]) -> str:
    """One name for the files of an import: the file, or the folder that holds them."""
    if len(shown) == 1:
        return shown[0]
    try:
        return os.path.commonpath(shown) or shown[0]
    except ValueError:
        return shown[0]


def _name(path: str | None, chosen: Chosen) -> str | None:
    """The name by which the user knows a file."""
    return next((one.shown for one in chosen.files if path == str(one.file.path)), path)
