"""The book as a folder of Parquet files, by month: one half is read back, the other is for other engines."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wattbook.errors import ImportFailed, LedgerError
from wattbook.ledger.exchange import COLUMNS, MARK, VERSION, flat, records
from wattbook.ledger.store import Ledger
from wattbook.records import canonical
from wattbook.sharing.counted import COUNTED

MANIFEST = "wattbook-book.json"
BOOK, COUNTS = "book", "counted"
ROWS = 50_000  #: of one row group
HELD = 100_000  #: rows in memory
_NUMBERS = {"energy_j", "low_j", "high_j"}
_FLAGS = {"outermost"}
_KINDS = ("run", "entry", "snapshot", "statement_set", "statement", "period", "meta")


def available() -> None:
    """Raise a sentence where pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError as error:
        raise LedgerError("Parquet needs pyarrow: pip install 'wattbook[parquet]'") from error


# --- writing -----------------------------------------------------------------------------------


def write_parquet(ledger: Ledger, folder: Path, months: Iterable[tuple[str, Iterable[dict[str, Any]]]]) -> int:
    """Write the book to *folder*, whole or not at all; *months* are the rows that count, month by month.

    A folder that is there already must hold an export, and is replaced.
    """
    available()
    folder = Path(os.path.abspath(folder))
    if folder.exists() and not (folder / MANIFEST).is_file() and not _empty(folder):
        raise LedgerError(f"{folder}: is there already and is no export of a book; name a new folder")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        counts = _write_book(ledger, unfinished / BOOK)
        for month, rows in months:
            _write(unfinished / COUNTS / f"month={month}" / "part-0.parquet", _counted_schema(), iter(rows))
        (unfinished / MANIFEST).write_text(
            json.dumps({MARK: VERSION, "end": counts}, indent=1) + "\n", encoding="utf-8"
        )
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.exists():
            os.rename(folder, old)
        os.rename(unfinished, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise LedgerError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum(counts.values())


def _empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _write_book(ledger: Ledger, folder: Path) -> dict[str, int]:
    """Every record into the folder of its kind and month."""
    counts: dict[str, int] = {}
    rows: dict[Path, list[dict[str, Any]]] = {}
    parts: dict[Path, int] = {}
    waiting = 0

    def flush() -> None:
        for place, some in rows.items():
            parts[place] = parts.get(place, -1) + 1
            _write(place / f"part-{parts[place]}.parquet", _book_schema(), iter(some))
        rows.clear()

    months: dict[str, str] = {}
    for line in records(ledger):
        kind = next(iter(line))
        counts[kind] = counts.get(kind, 0) + 1
        seen = flat(kind, line)
        if kind == "statement_set":
            months[line[kind]["content_id"]] = line[kind]["month"]
        month = str(seen.get("start") or "")[:7] or seen.get("month") or months.get(str(seen.get("content_id")))
        row = {name: _typed(name, seen.get(name)) for name in COLUMNS[:-1]}
        row["month_told"] = row.pop("month")  # ``month`` is the folder's
        rows.setdefault(folder / kind / f"month={month or 'none'}", []).append({**row, "content": canonical(line)})
        waiting += 1
        if waiting >= HELD:
            flush()
            waiting = 0
    flush()
    return counts


def _typed(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (dict, list)):
        return None
    if name in _NUMBERS:
        return float(value)
    return bool(value) if name in _FLAGS else str(value)


def _book_schema() -> Any:
    import pyarrow as pa

    def kind(name: str) -> Any:
        return pa.float64() if name in _NUMBERS else pa.bool_() if name in _FLAGS else pa.string()

    named = ["month_told" if name == "month" else name for name in COLUMNS]
    return pa.schema([(name, kind(name)) for name in named])


def _counted_schema() -> Any:
    import pyarrow as pa

    kinds = {str: pa.string(), float: pa.float64(), int: pa.int64()}
    return pa.schema([(name, kinds[kind]) for name, kind in COUNTED.items()])


def _write(path: Path, schema: Any, rows: Iterator[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    some = list(_up_to(rows, ROWS))
    if not some:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while some:
            writer.write_table(pa.Table.from_pylist(some, schema=schema))
            some = list(_up_to(rows, ROWS))
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _up_to(rows: Iterator[dict[str, Any]], most: int) -> Iterator[dict[str, Any]]:
    for _, row in zip(range(most), rows, strict=False):
        yield row


# --- reading -----------------------------------------------------------------------------------


def is_export(folder: Path) -> bool:
    """Whether a folder is an export of a book."""
    return (folder / MANIFEST).is_file()


def sha256_of(folder: Path) -> str:
    """One hash over everything that is read back."""
    import hashlib

    whole = hashlib.sha256()
    for path in [folder / MANIFEST, *sorted((folder / BOOK).rglob("part-*.parquet"))]:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder)}\0{found}\n".encode())
    return whole.hexdigest()


def lines(folder: Path) -> Iterator[tuple[int, Any]]:
    """The numbered lines of an export, as ``exchange.take`` wants them; raises ``ImportFailed``."""
    available()
    manifest = _manifest(folder)
    yield 1, {MARK: manifest.get(MARK)}
    number = 1
    for content in _contents(folder / BOOK):
        number += 1
        try:
            line = json.loads(content)
        except (ValueError, RecursionError, TypeError) as error:
            raise ImportFailed("this row is no record of a book", path=folder, line=number) from error
        if not isinstance(line, dict) or not line or MARK in line or "end" in line:
            raise ImportFailed("this row is no record of a book", path=folder, line=number)
        yield number, line
    yield number + 1, {"end": manifest.get("end")}


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        with (folder / MANIFEST).open("rb") as stream:
            manifest = json.loads(stream.read(1 << 20))
    except (OSError, ValueError, RecursionError) as error:
        raise ImportFailed("is no manifest of an export", path=folder / MANIFEST) from error
    if not isinstance(manifest, dict):
        raise ImportFailed("is no manifest of an export", path=folder / MANIFEST)
    return manifest


def _contents(folder: Path) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for kind in _KINDS:
        for path in sorted((folder / kind).glob("month=*/part-*.parquet"), key=_in_order):
            if path.is_symlink() or not path.is_file():
                raise ImportFailed("is no file", path=path)
            try:
                with pq.ParquetFile(path) as file:
                    for batch in file.iter_batches(1_000, columns=["content"]):
                        yield from (str(one) for one in batch.column(0).to_pylist())
            except (pa.ArrowException, OSError, KeyError, IndexError) as error:
                raise ImportFailed(f"is cut, damaged or no Parquet file: {_short(error)}", path=path) from error


def _in_order(path: Path) -> tuple[str, int]:
    number = path.stem.partition("-")[2]
    return path.parent.name, int(number) if number.isdecimal() else -1


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
