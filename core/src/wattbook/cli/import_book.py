"""``wattbook import`` of an export of a book: a file, a parcel or a folder of Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from wattbook.cli.common import print_json, tell
from wattbook.cli.import_document import printable

if TYPE_CHECKING:
    from wattbook.importing import Handed
    from wattbook.ledger.exchange import Restored
    from wattbook.ledger.store import Ledger


class Export(NamedTuple):
    """One export, and how it is read back."""

    shown: str
    form: str
    sha256: Callable[[], str]
    restore: Callable[[Ledger], Restored]


def folders_of(paths: Sequence[str]) -> list[Export]:
    """The folders of Parquet among *paths* that are exports; all of them must be, or none."""
    from wattbook.errors import ImportFailed
    from wattbook.sharing.parquet import is_export

    found = [Path(path) for path in paths if is_export(Path(path))]
    if found and len(found) != len(paths):
        raise ImportFailed("is an export of a book: import it by itself", path=found[0])
    return [_of_folder(folder) for folder in found]


def files_of(handed: Sequence[Handed]) -> list[Export]:
    """The files that are exports; all that was handed over must be, or none."""
    from wattbook.errors import ImportFailed
    from wattbook.ledger.exchange import recognise

    books = [one for one in handed if one.folder is None and recognise(one.file)]
    if books and len(books) != len(handed):
        raise ImportFailed("is an export of a book: import it by itself", path=books[0].shown)
    return [_of_file(one) for one in books]


def _of_file(one: Handed) -> Export:
    from wattbook.importing import content_sha256
    from wattbook.ledger.exchange import recognise, restore

    return Export(
        one.shown,
        recognise(one.file) or "",
        lambda: content_sha256(one),
        lambda book: restore(book, one.file, one.shown),
    )


def _of_folder(folder: Path) -> Export:
    from wattbook.ledger.exchange import take
    from wattbook.sharing import parquet

    return Export(
        str(folder), "wattbook-parquet", lambda: parquet.sha256_of(folder),
        lambda book: take(book, parquet.lines(folder), str(folder), whole=book.empty()),
    )  # fmt: skip


def restore_all(exports: Sequence[Export], ledger: str | None, dry_run: bool, as_json: bool) -> None:
    """Read exports back, all or none; a dry run reads them into a book that is thrown away."""
    from tempfile import TemporaryDirectory

    from wattbook.ledger.exchange import Restored
    from wattbook.ledger.store import Ledger

    with (
        TemporaryDirectory(prefix="wattbook-") as folder,
        Ledger.open(f"{folder}/dry.db" if dry_run else ledger) as book,
        book.transaction(),
    ):
        restored = [one.restore(book) for one in exports]
    documents = []
    for one, done in zip(exports, restored, strict=True):
        done = Restored() if dry_run else done
        entries, statements = done.entries, done.statements
        documents.append(
            {
                "paths": [printable(one.shown)],
                "format": one.form,
                "plugin": None,
                "basis": None,
                "sha256": one.sha256(),
                "entries": {"new": entries[0], "known": entries[1]},
                "statements": {"new": statements[0], "known": statements[1], "superseded": 0},
                "problems": [],
                "warnings": list(done.settled),
            }
        )
        if not as_json:
            did = f"entries {entries[0]} new, {entries[1]} known; statements {statements[0]} new, {statements[1]} known"
            click.echo(f"{printable(one.shown)}: a book; {'nothing recorded' if dry_run else did}")
            for sentence in done.settled:
                tell(f"  {sentence}", err=True)
    if as_json:
        print_json({"imported": documents})
