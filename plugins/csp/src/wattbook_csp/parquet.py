"""Parquet files, batch by batch in bounded memory, through pyarrow where it is installed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from wattbook import ImportFailed, SourceFile

BATCH_ROWS = 16_384
BUFFER_BYTES = 1 << 20  #: read a column in pieces instead of a whole row group's chunk
MAX_FOOTER = 16 << 20
MAX_ROWS = 50_000_000
BOMB_BYTES, BOMB_RATIO = 64 << 20, 400


def is_parquet(file: SourceFile) -> bool:
    return file.head.startswith(b"PAR1")


def mentions(file: SourceFile, name: bytes) -> bool:
    """Whether the schema names a column; the footer is at the end and holds the names as they are."""
    if name in file.head:
        return True
    try:
        with file.open() as stream:
            end = stream.seek(0, 2)
            stream.seek(max(0, end - 8))
            tail = stream.read(8)
            size = int.from_bytes(tail[:4], "little")
            if tail[4:] != b"PAR1" or not 0 < size <= min(MAX_FOOTER, end - 8):
                return False
            stream.seek(end - 8 - size)
            return name in stream.read(size)
    except OSError:
        return False


def batches(
    file: SourceFile, columns: Sequence[str], required: Collection[str]
) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """The numbers of some rows and their *columns* as text, ``""`` for NULL, a bounded number of rows at a time."""
    first = 1
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        reason = "is Parquet, which needs pyarrow: pip install 'wattbook-csp[parquet]'"
        raise ImportFailed(reason, path=file.path) from error
    try:
        with file.open() as stream:
            size = stream.seek(0, 2)
        with file.open() as stream, pq.ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False) as table:
            _refuse_bomb(table.metadata, size, file)
            present = set(table.schema_arrow.names)
            for name in (name for name in columns if name in required):
                if name not in present:
                    raise ImportFailed("the column is missing", path=file.path, field=name)
            wanted = [name for name in columns if name in present]
            for batch in table.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
                texts = {name: _texts(batch.column(name), pa) for name in wanted}
                absent = [""] * batch.num_rows
                yield range(first, first + batch.num_rows), [texts.get(name, absent) for name in columns]
                first += batch.num_rows
    except (pa.ArrowException, ValueError, ArithmeticError, OSError, EOFError, zlib.error) as error:
        raise ImportFailed(f"is no whole Parquet file: {_first_line(error)}", path=file.path) from error


def _refuse_bomb(metadata: Any, size: int, file: SourceFile) -> None:
    """A few bytes may say that they unpack to terabytes.

    Only the sums are asked: pyarrow ends the process over a damaged description of a single column.
    """
    if metadata.num_rows > MAX_ROWS:
        raise ImportFailed(f"holds {metadata.num_rows:,} rows; an import takes {MAX_ROWS:,}", path=file.path)
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * size:
        raise ImportFailed(f"unpacks to more than {BOMB_RATIO} times its size", path=file.path)


def _texts(column: Any, pa: Any) -> list[str]:
    """A column as text: doubles in their shortest form, times as ISO, maps as JSON, NULL as an empty text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_nested(column.type):  # tags: an object in JSON
        plain = dict if pa.types.is_map(column.type) else None
        return ["" if v is None else json.dumps(plain(v) if plain else v, default=str) for v in column.to_pylist()]
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    return column.fill_null("").to_pylist()  # type: ignore[no-any-return]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
