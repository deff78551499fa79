"""Where the book is: from what the user calls it to an open database, in words safe to print."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from wattbook.errors import LedgerError
from wattbook.ledger import postgres, sqlite_file

ENGINES = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def default_url() -> str:
    """``WATTBOOK_LEDGER``, else one file in the user's data folder."""
    return os.environ.get("WATTBOOK_LEDGER") or users_own()


def users_own() -> str:
    """The file in the user's data folder."""
    from platformdirs import user_data_path

    return str(user_data_path("wattbook", appauthor=False) / "ledger.db")


def parse_url(url: str) -> URL:
    """A plain path, ``sqlite:///PATH`` or ``postgresql://...``; anything else is refused."""
    if url.strip() in ("", ":memory:"):
        raise LedgerError("a book needs a file: name it as a path or as sqlite:///PATH")
    if "://" not in url:
        return URL.create("sqlite", database=_absolute(url))
    engine, _, rest = url.partition("://")
    if engine.split("+")[0] not in ENGINES:
        known = "a file, sqlite:///PATH or postgresql://HOST/DATABASE"
        raise LedgerError(f"{engine}:// is no kind of book that wattbook knows: name {known}")
    try:
        parsed = make_url(f"{ENGINES.get(engine, engine)}://{rest}")
    except (ArgumentError, ValueError) as error:
        raise LedgerError("the URL of the book cannot be understood; is it postgresql://HOST/DATABASE?") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise LedgerError("a book needs a file: name it as a path or as sqlite:///PATH")
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(database=_absolute(parsed.database or ""), query={})
    return parsed


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def connect(url: str, *, create: bool = True) -> Engine:
    """An engine on a book that exists, or was created; raises ``LedgerError`` with a sentence."""
    parsed = parse_url(url)
    shown = printable(parsed)
    with translated(shown):
        if parsed.get_backend_name() == "sqlite":
            return sqlite_file.open_file(Path(parsed.database or ""), create=create)
        return postgres.open_database(parsed, shown, create=create)


def printable(url: URL) -> str:
    """The URL without its password, the plain path for a file."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    secret = [name for name in url.query if "password" in name]
    return url.difference_update_query(secret).set(drivername="postgresql").render_as_string(hide_password=True)


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn what the database says into a sentence that names the book, and never its password."""
    try:
        yield
    except NoSuchModuleError as error:
        raise LedgerError(f"{shown}: no driver for this database: pip install 'wattbook[postgres]'") from error
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise LedgerError(f"{shown}: PostgreSQL needs its driver: pip install 'wattbook[postgres]'") from error
    except DBAPIError as error:
        raise LedgerError(f"{shown}: {_sentence(error.orig or error)}") from error
    except sqlite3.Error as error:
        raise LedgerError(f"{shown}: {_sentence(error)}") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{shown}: the database library refused: {type(error).__name__}") from error


def _sentence(error: BaseException) -> str:
    said = " ".join(str(error).split())
    if "locked" in said:
        return f"another process kept the book locked for {sqlite_file.BUSY_TIMEOUT_S:g} s; try again"
    if "malformed" in said or "not a database" in said:
        return f"the file is damaged ({said}); nothing was changed, restore a copy of it"
    if "full" in said or "No space left" in said or "File too large" in said:
        return "the disk is full; nothing of this was recorded"
    if "disk I/O error" in said:
        return "the disk cannot be written or read; it may be full (disk I/O error); nothing of this was recorded"
    if "readonly" in said or "read-only" in said:
        return "the book cannot be written: it is read-only here"
    return said
