"""The whole book as text that is read back to the identical book: JSON Lines, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TextIO

from attrs import frozen

from wattbook.errors import ImportFailed, LedgerError
from wattbook.ledger import entry_rows, rows, schema, view
from wattbook.ledger.chains import WITHDRAWN, Revision, figures_id, rivals_of
from wattbook.ledger.checking import check, typed
from wattbook.ledger.inserting import recorded
from wattbook.ledger.periods import check_act
from wattbook.ledger.settling import settle
from wattbook.ledger.store import Ledger
from wattbook.model import SourceFile
from wattbook.records import Entry, RunRecord, canonical, stated, utc_time

VERSION = 1
MARK = "wattbook_book"
MAX_LINE = 16 << 20
BATCH = 2_000
#: for the eye: what a spreadsheet shows of every line; ``content`` is what is read back
COLUMNS = (
    "record", "id", "recorded_at", "start", "end", "host", "device", "domain", "basis", "energy_j", "low_j", "high_j",
    "outermost", "plugin", "source", "project", "phase", "person", "platform", "provider", "account", "month",
    "scope", "method", "co2e_kg", "content",
)  # fmt: skip
OWN = ("period", "meta")  #: kinds of lines that tell what was done to a book, and go into an empty one only
FACTS = ("note:", "watermark")  #: how the facts about a book begin that it keeps when it moves
FORMATS = {"jsonl": "wattbook-jsonl", "csv": "wattbook-csv"}


@frozen
class Restored:
    """How much of an export was new to the book and how much it knew."""

    entries: tuple[int, int] = (0, 0)
    statements: tuple[int, int] = (0, 0)
    settled: tuple[str, ...] = ()  #: in words, what this book and the export told otherwise


# --- writing -----------------------------------------------------------------------------------


def lines(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """Every row of the book as one JSON value, in an order that depends on the content alone."""
    counts: dict[str, int] = {}
    yield {MARK: VERSION}
    for line in records(ledger):
        kind = next(iter(line))
        counts[kind] = counts.get(kind, 0) + 1
        yield line
    yield {"end": counts}


def records(ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The lines between the first and the last."""
    for row in ledger.scan(view.all_of(schema.run)):
        yield {"run": json.loads(row.content), "id": row.record_id, "recorded_at": row.recorded_at}
    for row, entry in ledger.pairs(view.everything()):
        if entry is None:
            raise LedgerError(f"entry {row.entry_id} is damaged; 'wattbook ledger verify' says what else is")
        yield {"entry": stated(entry), "id": row.entry_id, "recorded_at": row.recorded_at}
    for row in ledger.scan(view.all_of(schema.snapshot)):
        yield {"snapshot": dict(row._mapping)}
    for row in ledger.sets():
        yield {"statement_set": dict(row._mapping)}
    for row in ledger.scan(view.all_of(schema.statement)):
        yield {"statement": dict(row._mapping)}
    for row in ledger.scan(view.all_of(schema.period)):
        yield {"period": dict(row._mapping)}
    for row in ledger.scan(view.all_of(schema.meta)):
        if row.name.startswith(FACTS):
            yield {"meta": dict(row._mapping)}


def write_jsonl(ledger: Ledger, stream: TextIO) -> int:
    """One value a line, the first naming the format and the last saying how many there are."""
    count = 0
    for line in lines(ledger):
        stream.write(canonical(line) + "\n")
        count += 1
    return count


def write_csv(ledger: Ledger, stream: TextIO) -> int:
    """The same lines with columns to look at; a cell that a spreadsheet would compute is escaped."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for line in lines(ledger):
        kind = next(iter(line))
        seen = flat(kind, line)
        cells = [_safe(seen.get(column)) for column in COLUMNS[:-1]]
        writer.writerow([*cells, canonical(line)])
        count += 1
    return count


WRITERS: dict[str, Callable[[Ledger, TextIO], int]] = {"jsonl": write_jsonl, "csv": write_csv}


def flat(kind: str, line: dict[str, Any]) -> dict[str, Any]:
    """What a line says, by the names of ``COLUMNS``."""
    content = line[kind] if isinstance(line[kind], dict) else {}
    seen = {**content, **content.get("labels", {}), "record": kind, "id": line.get("id")}
    if kind == "entry":
        seen["method"] = None  # the column is that of a statement
    return {**seen, "recorded_at": line.get("recorded_at", content.get("recorded_at"))}


def _safe(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


# --- reading -----------------------------------------------------------------------------------


def recognise(file: SourceFile) -> str | None:
    """``wattbook-jsonl`` or ``wattbook-csv`` for an export of a book, else ``None``."""
    if file.head.startswith(b'{"%s":' % MARK.encode()):
        return FORMATS["jsonl"]
    if file.head.startswith(",".join(COLUMNS).encode()):
        return FORMATS["csv"]
    return None


def restore(ledger: Ledger, file: SourceFile, shown: str) -> Restored:
    """Read an export back in one transaction: all of it or, after an error, nothing.

    An empty book becomes the identical one.  In a book that has rows already, what is new was recorded now:
    the book as of a moment ago must stay what it was.
    """
    try:
        with file.open() as stream:
            found = csv_lines(stream, shown) if recognise(file) == FORMATS["csv"] else json_lines(stream, shown)
            return take(ledger, found, shown, whole=ledger.empty())
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise ImportFailed(f"the file is cut or damaged: {error}", path=shown) from error


def json_lines(stream: IO[bytes], shown: str) -> Iterator[tuple[int, Any]]:
    number = 0
    while raw := stream.readline(MAX_LINE):
        number += 1
        yield number, _parsed(raw, shown, number)


def csv_lines(stream: IO[bytes], shown: str) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(MAX_LINE)
    reader = csv.reader(raw.decode() for raw in iter(lambda: stream.readline(MAX_LINE), b""))
    next(reader)
    for cells in reader:
        if len(cells) != len(COLUMNS):
            raise ImportFailed(f"has {len(cells)} cells, not {len(COLUMNS)}", path=shown, line=reader.line_num)
        yield reader.line_num, _parsed(cells[-1], shown, reader.line_num)


def _parsed(text: str | bytes, shown: str, number: int) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImportFailed("this line is not JSON; is the file cut?", path=shown, line=number) from error
    if not isinstance(value, dict) or not value:
        raise ImportFailed("this line is no record of a book", path=shown, line=number)
    return value


def take(ledger: Ledger, found: Iterable[tuple[int, Any]], shown: str, *, whole: bool = False) -> Restored:
    """The numbered lines of an export into the book, in one transaction.

    A *whole* book is restored with its times and what was done to its months; those are facts about that
    book.  Any other book keeps its own, and what is new in it was recorded now.
    """
    with ledger.transaction():
        return _take(ledger, found, shown, None if whole else recorded(None))


def _take(ledger: Ledger, found: Iterable[tuple[int, Any]], shown: str, moment: str | None) -> Restored:
    counts: dict[str, int] = {}
    batches: dict[str, list[dict[str, Any]]] = {}
    new: dict[str, int] = {}
    figures = _Figures()
    ended = False
    run_ids: set[str] = set()

    def flush(kind: str) -> None:
        new[kind] = new.get(kind, 0) + ledger.put(kind, batches.pop(kind, []), exact=kind in OWN)

    for number, line in found:
        if ended:
            raise ImportFailed("there are lines after the last one", path=shown, line=number)
        if number == 1 or MARK in line:
            if line.get(MARK) != VERSION:
                raise ImportFailed(f"this export has format {line.get(MARK)}, not {VERSION}", path=shown, line=number)
            continue
        if "end" in line:
            ended = True
            if line["end"] != counts:
                raise ImportFailed(f"the export says {line['end']}, there were {counts}", path=shown, line=number)
            continue
        try:
            kind, made = _rows(line, moment)
            for table, row in made:
                figures.see(table, row)
        except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, LedgerError) as error:
            raise ImportFailed(f"this line is no record of a book: {error}", path=shown, line=number) from error
        counts[kind] = counts.get(kind, 0) + 1
        if kind in OWN:
            if moment is not None:
                continue
            for table in list(batches):  # after a watermark nothing could be recorded before it
                flush(table) if table not in OWN else None
        for table, row in made:
            batches.setdefault(table, []).append(row)
            if "run_id" in row:
                run_ids.add(row["run_id"])
            if len(batches[table]) >= BATCH:
                flush(table)
    if not ended:
        raise ImportFailed("the file is cut: its last line is missing", path=shown)
    try:
        figures.check()
    except (TypeError, ValueError) as error:
        raise ImportFailed(str(error), path=shown) from error
    for table in list(batches):
        flush(table)
    told = {kind: (new.get(kind, 0), counts.get(kind, 0) - new.get(kind, 0)) for kind in ("entry", "statement")}
    said = settle(ledger, run_ids) if new.get("entry") or new.get("run") else []
    rivals = rivals_of(list(ledger.history_bare())) if new.get("statement_set") else []
    return Restored(told["entry"], told["statement"], (*said, *rivals))


class _Figures:
    """Checks that the figures of every month have the hash that its revision names; one month in memory."""

    def __init__(self) -> None:
        self.named: dict[str, Revision] = {}
        self.rows: list[dict[str, Any]] = []

    def see(self, table: str, row: dict[str, Any]) -> None:
        if table == schema.statement_set.name:
            revision = rows.to_revision(row)
            if revision.standing != WITHDRAWN:
                self.named[revision.content_id] = revision
        elif table == schema.statement.name:
            if self.rows and self.rows[-1]["content_id"] != row["content_id"]:
                self._close()
            self.rows.append(row)

    def _close(self) -> None:
        content = self.rows[-1]["content_id"]
        revision = self.named.pop(content, None)
        if revision is None:
            raise ValueError(f"the figures {content} belong to no month of this export")
        told = [rows.to_statement(row, revision) for row in self.rows]
        if figures_id(revision.chain, revision.version_key, told) != content:
            raise ValueError(
                f"{revision.chain}: its figures do not have the hash that it names; was the export edited?"
            )
        self.rows = []

    def check(self) -> None:
        if self.rows:
            self._close()
        for revision in self.named.values():
            raise ValueError(f"{revision.chain}: its figures are missing")


def _rows(line: dict[str, Any], moment: str | None) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """The rows of a line; recorded at *moment*, or when the line says."""
    if "entry" in line:
        entry = Entry.from_dict(line["entry"])
        check(entry)
        own, _ = entry_rows.from_entry(entry)
        if own["entry_id"] != line["id"]:
            raise ValueError("its content does not have the hash that it names; was the export edited?")
        made = [("context", rows.from_context(entry)), ("entry", own)]
    elif "run" in line:
        row = rows.from_run(RunRecord.from_dict(line["run"]))
        if row["record_id"] != line["id"]:
            raise ValueError("its content does not have the hash that it names; was the export edited?")
        made = [("run", row)]
    else:
        made = [
            (table.name, {c.name: line[table.name].get(c.name) for c in table.c})
            for table in (schema.snapshot, schema.statement_set, schema.statement, schema.period, schema.meta)
            if table.name in line
        ]
        if "meta" in line and not line["meta"]["name"].startswith(FACTS):
            raise ValueError(f"{line['meta']['name']!r} is no fact that a book hands over")
        if "period" in line:
            check_act(line["period"])
    if not made:
        raise ValueError(f"{next(iter(line))!r} is no kind of record")
    kind, last = made[-1]
    if kind not in ("statement", *OWN):
        last["recorded_at"] = moment or line.get("recorded_at") or line[kind].get("recorded_at") or recorded(None)
        utc_time(last["recorded_at"])
    for table, row in made:
        typed(table, row)
    return kind, made
