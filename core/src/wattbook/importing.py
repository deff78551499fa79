"""From paths to what their files say: find the one importer that fits each, and read everything first."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from attrs import evolve, field, frozen

from wattbook.errors import ConfigError, ImportFailed
from wattbook.model import Importer, ImportSource, Problem, Recording, SourceFile, Statement
from wattbook.plugins import Broken, Plugins

HEAD_BYTES = 65_536
MAX_FILES = 10_000  #: of one import; their heads are held in memory
MAX_PIPE_BYTES = 4 << 30  #: of standard input, which is kept in a temporary file
BOMB_BYTES, BOMB_RATIO = 256 << 20, 400  #: a gzip file that unpacks to more than both is refused
STDIN = Path("-")

log = logging.getLogger("wattbook")


# --- opening -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class Handed:
    """One file that the user handed over: itself, or with a whole folder."""

    file: SourceFile
    shown: str  #: its name in messages: ``-`` for standard input
    folder: Path | None = None


def open_file(path: Path) -> SourceFile:
    """One file, its head read and decompressed; raises ``ImportFailed`` where it cannot be read."""

    def opener() -> IO[bytes]:
        return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImportFailed("is no file", path=path)
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with opener() as whole:
            head = whole.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImportFailed(f"cannot be read: {reason}", path=path) from error
    return SourceFile(path=path, head=head, gzip=packed, opener=opener)


def open_all(paths: Iterable[Path], *, spool: Path | None = None) -> list[Handed]:
    """The files of *paths*, folders walked in the order of their names.

    ``-`` and pipes are copied into the folder *spool* first, because an importer reads more than once.
    """
    handed: list[Handed] = []
    for path in paths:
        if spool is not None and (path == STDIN or _is_pipe(path)):
            handed.append(Handed(file=open_file(_spooled(path, spool)), shown=str(path)))
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            if len(inside) > MAX_FILES:
                raise ImportFailed(f"holds {len(inside)} files; one import takes {MAX_FILES}", path=path)
            if not inside:
                raise ImportFailed("this folder is empty", path=path)
            handed += [Handed(file=open_file(p), shown=str(p), folder=path) for p in inside]
        else:
            handed.append(Handed(file=open_file(path), shown=str(path)))
    return handed


def open_source(
    paths: Iterable[Path],
    *,
    account: str | None = None,
    host: str | None = None,
    start: datetime | None = None,
    interval_s: float | None = None,
    options: dict[str, str] | None = None,
) -> ImportSource:
    """What an importer is given: the files of *paths* and what the user said about them."""
    files = tuple(handed.file for handed in open_all(paths))
    return ImportSource(
        files=files, account=account, host=host, start=start, interval_s=interval_s, options=options or {}
    )


@contextmanager
def spool_folder() -> Iterator[Path]:
    """A folder for what comes through a pipe; gone afterwards."""
    with TemporaryDirectory(prefix="wattbook-") as folder:
        yield Path(folder)


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def _spooled(path: Path, folder: Path) -> Path:
    target = folder / f"{len(os.listdir(folder))}" / "stdin"
    target.parent.mkdir()
    with os.fdopen(os.dup(0), "rb") if path == STDIN else path.open("rb") as pipe, target.open("wb") as copy:
        left = MAX_PIPE_BYTES
        while block := pipe.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise ImportFailed(f"more than {MAX_PIPE_BYTES >> 30} GiB came through the pipe", path=path)
            copy.write(block)
    return target


# --- choosing ----------------------------------------------------------------------------------


@frozen(kw_only=True)
class Chosen:
    """Files and the one importer that reads them; one import of the book."""

    plugin: str
    importer: Importer
    files: tuple[Handed, ...]


def choose(
    plugins: Plugins, handed: Sequence[Handed], format: str | None = None
) -> tuple[list[Chosen], tuple[Problem, ...]]:
    """Find the importer of every file, by *format* or by asking each importer whether it knows the file.

    Files of a gathering importer are one import, those of others one each.  A file that nobody knows is
    refused where it was named, and a problem where it came with a folder that holds others.
    """
    offers: list[tuple[str, Importer]] = []
    broken: list[Broken] = []
    for plugin, answer in plugins.ask("import_provided", source=ImportSource(files=tuple(h.file for h in handed))):
        if isinstance(answer, Importer):
            offers.append((plugin, answer))
        elif isinstance(answer, Broken):
            broken.append(answer)
    formats = sorted({offer.format for _, offer in offers})
    if format is not None:
        offers = [(plugin, offer) for plugin, offer in offers if offer.format == format]
        if not offers:
            known = ", ".join(formats) or "no plugin that imports is installed"
            raise ConfigError(f"{format!r} is no format that an installed plugin reads ({known})", where="--format")
    found: dict[tuple[str, str, int], Chosen] = {}
    problems: list[Problem] = []
    recognised: set[Path | None] = set()
    for number, one in enumerate(handed):
        fitting = [(plugin, offer) for plugin, offer in offers if _knows(plugin, offer, one, broken)]
        if format is not None and not fitting and one.folder is None and one.file.head:
            fitting = offers
        if len(fitting) > 1:
            names = " and ".join(f"{offer.format} ({plugin})" for plugin, offer in fitting)
            raise ImportFailed(f"{names} both recognise this file: say which with --format", path=one.shown)
        if not fitting:
            reason = _unknown(one, formats if format is None else [format], broken)
            if one.folder is None:
                raise ImportFailed(reason, path=one.shown)
            problems.append(Problem(reason="left out: no importer recognises this file", path=one.shown))
            continue
        recognised.add(one.folder)
        plugin, offer = fitting[0]
        key = (plugin, offer.format, -1 if offer.gathers else number)
        before = found[key].files if key in found else ()
        found[key] = Chosen(plugin=plugin, importer=offer, files=(*before, one))
    for folder in dict.fromkeys(one.folder for one in handed):
        if folder is not None and folder not in recognised:
            first = next(one for one in handed if one.folder == folder)
            raise ImportFailed(f"no file in this folder is recognised; {_unknown(first, formats, broken)}", path=folder)
    return list(found.values()), tuple(problems)


def _knows(plugin: str, offer: Importer, one: Handed, broken: list[Broken]) -> bool:
    if not one.file.head:
        return False
    try:
        return bool(offer.sniff(one.file))
    except Exception as error:
        log.debug("%s: sniff of %s failed", plugin, offer.format, exc_info=True)
        failed = Broken.from_error(plugin, f"sniff of {offer.format}", error)
        if failed not in broken:
            broken.append(failed)
        return False


def _unknown(one: Handed, formats: Sequence[str], broken: Sequence[Broken]) -> str:
    if not one.file.head:
        return "this file is empty"
    if not formats:
        reason = "no installed plugin imports files"
    else:
        reason = f"no importer recognises {one.file.path.name if one.folder else 'this file'}; expected one of {', '.join(formats)}"
    return reason + "".join(f"; {b.plugin} is broken ({b.reason})" for b in broken)


# --- reading -----------------------------------------------------------------------------------


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
    problems: tuple[Problem, ...] = ()


def read(chosen: Chosen, said: ImportSource, *, version: str = "") -> Imported:
    """Read everything of one import; raises ``ImportFailed`` with file, line and field.

    *said* holds what the user said; its files are replaced by the chosen ones.
    """
    sha256 = digest([(one.file.path.name, content_sha256(one)) for one in chosen.files])
    source = evolve(said, files=tuple(one.file for one in chosen.files))
    recordings: list[Recording] = []
    statements: list[Statement] = []
    problems: list[Problem] = []
    try:
        for item in chosen.importer.read(source):
            if isinstance(item, Statement):
                statements.append(item)
            elif isinstance(item, Recording):
                recordings.append(item)
            elif isinstance(item, Problem):
                problems.append(item)
            else:
                raise TypeError(f"it yielded a {type(item).__name__}")
    except ImportFailed as refused:
        raise _shown(refused, chosen) from refused
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFailed("the file is cut or damaged", path=together([one.shown for one in chosen.files])) from error
    except UnicodeError as error:
        raise ImportFailed(
            f"is not text in the expected encoding: {error}", path=together([one.shown for one in chosen.files])
        ) from error
    except OSError as error:
        raise ImportFailed(
            f"cannot be read: {error.strerror or error}", path=together([one.shown for one in chosen.files])
        ) from error
    except Exception as error:
        log.debug("%s failed to read %s", chosen.plugin, chosen.files[0].shown, exc_info=True)
        reason = Broken.from_error(chosen.plugin, "import_provided", error).reason
        raise ImportFailed(
            f"the plugin {chosen.plugin} failed on this file ({reason}); that is a defect of the plugin",
            path=together([one.shown for one in chosen.files]),
        ) from error
    if not recordings and not statements:
        raise ImportFailed("holds no power and no carbon figure", path=together([one.shown for one in chosen.files]))
    return Imported(
        plugin=chosen.plugin, plugin_version=version, format=chosen.importer.format,
        basis=str(chosen.importer.basis), shown=tuple(one.shown for one in chosen.files),
        names=tuple(one.file.path.name for one in chosen.files), sha256=sha256,
        recordings=tuple(recordings), statements=tuple(statements),
        problems=tuple(evolve(p, path=_name(p.path, chosen)) for p in problems),
    )  # fmt: skip


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
