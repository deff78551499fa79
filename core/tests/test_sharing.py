"""Books that share by parcels: any order, any repetition, any writer, any crash; and what lies there in their way."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook.errors import LedgerError
from wattbook.ledger import schema
from wattbook.ledger.exchange import lines, restore
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.records import Labels, canonical, utc_text
from wattbook.sharing import open_place, pull, push, push_to_book
from wattbook.sharing.items import remember as remember_items
from wattbook.sharing.places import Folder
from wattbook.testing.ledger import START, a_run, a_snapshot, a_statement, an_entry, fill, text_of


class Crash(BaseException):
    """The process is gone."""


def said(book: Ledger) -> list[str]:
    """The whole book but the times at which this one learned of it."""
    found = []
    for line in lines(book):
        line.pop("recorded_at", None)
        for content in line.values():
            if isinstance(content, dict):
                content.pop("recorded_at", None)
        found.append(canonical(line))
    return found


def view_of(book: Ledger) -> tuple[Any, ...]:
    heads = [(r.chain, r.content_id, r.standing, r.model_version) for r in book.revisions()]
    return sorted(map(repr, book.entries())), heads, verify(book).faults


@pytest.fixture
def place(tmp_path: Path) -> Folder:
    (tmp_path / "shared").mkdir()
    return Folder(tmp_path / "shared")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "full.db") as book:
        fill(book)
        yield book


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "empty.db") as book:
        yield book


def parcels(place: Folder) -> list[Path]:
    return sorted(place.path.glob("parcels/*/*.gz"))


# --- the way there and back -----------------------------------------------------------------------


def test_a_book_that_was_pushed_is_pulled_as_the_same_book(full: Ledger, empty: Ledger, place: Folder) -> None:
    assert push(full, place).parcels == 1
    pulled = pull(empty, place)
    assert (pulled.new_entries, pulled.refused, pulled.problems) == (5, (), ())
    assert said(empty) == said(full)
    assert verify(empty).ok


def test_pushing_and_pulling_again_changes_nothing(full: Ledger, empty: Ledger, place: Folder) -> None:
    push(full, place)
    pull(empty, place)
    before = text_of(empty)
    assert (push(full, place).parcels, push(full, place).runs) == (0, 0)
    again = pull(empty, place)
    assert (again.parcels, again.known_parcels, text_of(empty)) == (0, 1, before)


def test_what_was_pulled_is_not_pushed_back(full: Ledger, empty: Ledger, place: Folder) -> None:
    push(full, place)
    pull(empty, place)
    assert push(empty, place).parcels == 0
    empty.add([an_entry(0, run_id="mine")], [a_run("mine")])
    done = push(empty, place)
    assert (done.parcels, done.runs, done.entries) == (1, 1, 1)


def test_a_run_that_grew_is_handed_over_again(full: Ledger, empty: Ledger, place: Folder) -> None:
    push(full, place)
    full.add([an_entry(77)])
    assert push(full, place).runs == 1
    pull(empty, place)
    assert said(empty) == said(full)


def test_a_parcel_that_is_gone_is_handed_over_again(full: Ledger, empty: Ledger, place: Folder) -> None:
    push(full, place)
    (lost,) = parcels(place)
    lost.unlink()
    assert push(full, place).parcels == 1
    pull(empty, place)
    assert said(empty) == said(full)


def test_two_books_with_the_same_rows_make_the_same_parcel(full: Ledger, tmp_path: Path, place: Folder) -> None:
    with Ledger.open(tmp_path / "other.db") as other:
        fill(other)
        push(full, place)
        done = push(other, place)
    assert (done.parcels, done.known_parcels) == (0, 1)


def test_a_large_run_goes_in_parts_and_comes_back_whole(
    empty: Ledger, tmp_path: Path, place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("items", "pushing"):
        monkeypatch.setattr(f"wattbook.sharing.{module}.LARGE", 10)
    with Ledger.open(tmp_path / "large.db") as book:
        book.add([an_entry(n) for n in range(35)], [a_run()])
        book.add([an_entry(n, run_id="small") for n in range(3)], [a_run("small")])
        assert push(book, place).parcels == 5
        pull(empty, place)
        assert said(empty) == said(book)
        assert push(empty, place).parcels == 0  # its parts are the same ones
        assert push(book, place).parcels == 0


def test_a_dry_run_writes_nothing_at_either_end(full: Ledger, empty: Ledger, place: Folder) -> None:
    assert push(full, place, dry_run=True).entries == 5
    assert parcels(place) == []
    push(full, place)
    assert pull(empty, place, dry_run=True).new_entries == 5
    assert empty.empty()
    assert pull(empty, place).new_entries == 5


def test_a_parcel_is_an_export_that_import_reads(full: Ledger, empty: Ledger, place: Folder) -> None:
    from wattbook.importing import open_file

    push(full, place)
    (parcel,) = parcels(place)
    assert restore(empty, open_file(parcel), "parcel").entries == (5, 0)
    assert said(empty) == said(full)


def test_an_object_store_does_as_a_folder_does(full: Ledger, empty: Ledger) -> None:
    pytest.importorskip("fsspec")
    store = open_place(f"memory://bucket-{os.urandom(4).hex()}/team")
    assert pull(empty, store).parcels == 0
    assert push(full, store).parcels == 1
    assert push(full, store).parcels == 0
    assert pull(empty, store).new_entries == 5
    assert said(empty) == said(full)


def test_a_store_that_nobody_knows_is_refused_in_a_sentence() -> None:
    with pytest.raises(LedgerError, match="nosuch"):
        open_place("nosuch://bucket/x")


def test_a_book_is_sent_to_another_book_once(full: Ledger, empty: Ledger, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    assert push_to_book(full, url).runs == 2
    assert said(empty) == said(full)
    assert push_to_book(full, url).runs == 0
    assert push_to_book(full, url, everything=True).entries == 5
    assert said(empty) == said(full)


# --- any order, any repetition, any crash ------------------------------------------------------------


def histories() -> list[Any]:
    """What three books recorded by themselves: some the same, some told otherwise."""
    ours, theirs = Labels(project="ner"), Labels(project="asr")
    read = {"run_id": "import:abc", "evidence_sha256": "abc"}
    first = an_entry(0, labels=ours, **read)

    whole = a_run(end=utc_text(START + timedelta(hours=9)))

    def one(book: Ledger) -> None:
        book.add([an_entry(0), first], [whole, a_run("import:abc", kind="import", labels=ours)])
        book.add([an_entry(0, labels=theirs, supersedes=first.entry_id, reason="otherwise", **read)])
        book.add_statements([a_statement("1")], a_snapshot("1"))
        book.add_statements([a_statement("2", version=2)], a_snapshot("2"))

    def two(book: Ledger) -> None:
        book.add([an_entry(0), an_entry(1), an_entry(0, labels=theirs, **read)])
        book.add(runs=[a_run(complete=False), a_run("import:abc", kind="import", labels=theirs)])
        book.add_statements([a_statement("9", interface="console")], a_snapshot("3"))
        book.add_statements([a_statement("3", version=2)], a_snapshot("4"))

    def three(book: Ledger) -> None:
        book.add([an_entry(2), first, an_entry(0, host="twin", labels=ours, **read)])
        book.add(runs=[a_run("import:abc", kind="import", host="twin")])
        book.add([an_entry(0, energy_j=3550.0, labels=ours, supersedes=first.entry_id, reason="scale", **read)])
        book.add_statements([a_statement("2", version=2)], a_snapshot("2"))
        book.add_statements([a_statement("1.5", version=2)], a_snapshot("5"))
        book.add_statements([a_statement("1")], a_snapshot("1"), force=True)

    return [one, two, three]


STEPS = st.lists(
    st.tuples(st.sampled_from(["push", "pull"]), st.integers(0, 2), st.none() | st.integers(0, 3)), max_size=8
)


@settings(max_examples=15, deadline=None)
@given(STEPS, st.permutations([0, 1, 2]), st.permutations([0, 1, 2]))
def test_any_order_any_repetition_and_any_crash_end_in_one_book(steps: Any, last: list[int], again: list[int]) -> None:
    """At-least-once delivery has an exactly-once effect."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "shared").mkdir()
        books = [Ledger.open(base / f"{number}.db") for number in range(3)]
        for book, history in zip(books, histories(), strict=True):
            history(book)
        for act, number, crash in steps:
            with pytest.MonkeyPatch.context() as patch:
                _crash_at(patch, crash)
                try:
                    (push if act == "push" else pull)(books[number], Folder(base / "shared"))
                except Crash:
                    books[number].close()
                    books[number] = Ledger.open(base / f"{number}.db")
        for number in last:
            push(books[number], Folder(base / "shared"))
        for _ in range(2):  # what was settled on the way is an entry of its own, and travels too
            for number in again:
                assert pull(books[number], Folder(base / "shared")).refused == ()
            for number in last:
                push(books[number], Folder(base / "shared"))
        for number in again:
            pull(books[number], Folder(base / "shared"))
        assert said(books[0]) == said(books[1]) == said(books[2])
        assert view_of(books[0]) == view_of(books[1]) == view_of(books[2])
        assert view_of(books[0])[2] == ()
        for book in books:
            book.close()


def _crash_at(patch: pytest.MonkeyPatch, point: int | None) -> None:
    """0 before a parcel has its name, 1 after it; 2 before what was done is remembered, 3 in the middle of rows."""
    import wattbook.sharing.places as places
    import wattbook.sharing.pulling as pulling
    import wattbook.sharing.pushing as pushing

    def crash(*args: Any, **more: Any) -> None:
        raise Crash

    if point == 0:
        patch.setattr(places.os, "replace", crash)
    elif point == 1:
        patch.setattr(places.Folder, "_sync", crash)
    elif point == 2:
        patch.setattr(pushing, "remember", crash)
        patch.setattr(pulling, "remember", crash)
    elif point == 3:
        put = Ledger.put

        def half(book: Ledger, table: str, found: Any, **more: Any) -> int:
            if table == schema.run.name:
                raise Crash
            return put(book, table, found, **more)

        patch.setattr(Ledger, "put", half)


def test_a_month_told_otherwise_is_kept_twice_and_counts_once(empty: Ledger, tmp_path: Path, place: Folder) -> None:
    with Ledger.open(tmp_path / "other.db") as other:
        for book, kg in ((empty, "2"), (other, "3")):
            book.add_statements([a_statement("1")], a_snapshot("1"))
            book.add_statements([a_statement(kg, version=2)], a_snapshot(kg))
            push(book, place)
        said_here, said_there = pull(empty, place).settled, pull(other, place).settled
        assert said_here == said_there
        assert "2 ways" in said_here[0]
        assert empty.statements() == other.statements()
        assert len(empty.statements()) == 1
        newer = a_statement("2.5", version=3)
        empty.add_statements([newer], a_snapshot("5"))
        assert empty.statements() == [newer]
        push(empty, place)
        pull(other, place)
        assert other.statements() == [newer]
        assert verify(other).ok


def test_the_newest_version_counts_whoever_had_more_revisions(empty: Ledger, tmp_path: Path, place: Folder) -> None:
    with Ledger.open(tmp_path / "other.db") as other:
        for version in (1, 2, 3):
            empty.add_statements([a_statement(str(version), version=version)], a_snapshot(str(version)))
        other.add_statements([a_statement("4", version=4)], a_snapshot("4"))
        for book in (empty, other):
            push(book, place)
        for book in (empty, other):
            pull(book, place)
            assert book.statements() == [a_statement("4", version=4)]


def test_what_arrives_late_does_not_change_the_book_as_of_before(full: Ledger, empty: Ledger, place: Folder) -> None:
    from datetime import UTC, datetime

    empty.add([an_entry(50, run_id="own")])
    before = datetime.now(UTC)
    push(full, place)
    pull(empty, place)
    assert len(empty.entries(as_of=before)) == 1
    assert len(empty.entries()) == 5


# --- what lies in the way -------------------------------------------------------------------------------


def put(place: Folder, name: str, content: bytes) -> Path:
    path = place.path / "parcels" / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def named(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest() + ".jsonl.gz"


def a_parcel(*records: dict[str, Any], end: Any = None) -> tuple[str, bytes]:
    counts: dict[str, int] = {}
    for record in records:
        kind = next(iter(record))
        counts[kind] = counts.get(kind, 0) + 1
    every = [{"wattbook_book": 1}, *records, {"end": counts if end is None else end}]
    text = "".join(json.dumps(line) + "\n" for line in every).encode()
    return named(text), gzip.compress(text)


def an_entry_line(**said: Any) -> dict[str, Any]:
    entry = an_entry(9)
    return {"entry": {**entry.as_dict(), **said}, "id": entry.entry_id}


def bomb() -> tuple[str, bytes]:
    text = b" " * (64 << 20)
    return named(text), gzip.compress(text)


def endless() -> tuple[str, bytes]:
    whole = a_parcel(an_entry_line())[1]
    return "0" * 64 + ".jsonl.gz", whole + b"rubbish after the end"


HOSTILE: dict[str, tuple[str, bytes]] = {
    "another hash": ("f" * 64 + ".jsonl.gz", a_parcel(an_entry_line())[1]),
    "no gzip": (named(b"x"), b"x"),
    "a zip bomb": bomb(),
    "rubbish behind": endless(),
    "cut": (a_parcel(an_entry_line())[0], a_parcel(an_entry_line())[1][:-9]),
    "empty": (named(b""), gzip.compress(b"")),
    "no book": (named(b"{}\n"), gzip.compress(b"{}\n")),
    "no end": (named(b'{"wattbook_book":1}\n'), gzip.compress(b'{"wattbook_book":1}\n')),
    "wrong count": a_parcel(an_entry_line(), end={"entry": 2}),
    "an edited entry": a_parcel(an_entry_line(energy_j=1.0)),
    "a number for a name": a_parcel(an_entry_line(host=5)),
    "a list for labels": a_parcel(an_entry_line(labels=[1])),
    "another table": a_parcel({"meta": {"name": "schema_version", "value": "99", "recorded_at": ""}}),
    "a delivery": a_parcel({"delivery": {"place": "*", "item": "x", "size": 0, "parcel": "x"}}),
    "deep": (named(b"[" * 100_000), gzip.compress(b"[" * 100_000)),
    "figures of nobody": a_parcel({"statement": {"content_id": "x", "service": "s"}}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_parcel_is_refused_set_aside_and_named(kind: str, full: Ledger, empty: Ledger, place: Folder) -> None:
    push(full, place)
    name, content = HOSTILE[kind]
    path = put(place, name, content)
    pulled = pull(empty, place)
    assert len(pulled.refused) == 1
    assert name in pulled.refused[0]
    assert not path.exists()
    assert (place.path / "refused" / name).read_bytes() == content
    assert said(empty) == said(full)
    assert pull(empty, place).refused == ()


def test_a_parcel_of_a_newer_wattbook_is_refused_and_left_for_others(empty: Ledger, place: Folder) -> None:
    text = b'{"wattbook_book":2}\n{"end":{}}\n'
    path = put(place, named(text), gzip.compress(text))
    assert "format 2" in pull(empty, place).refused[0]
    assert path.exists()


def test_names_that_lead_elsewhere_are_named_and_not_followed(
    full: Ledger, empty: Ledger, tmp_path: Path, place: Folder
) -> None:
    push(full, place)
    secret = tmp_path / "secret"
    secret.write_text("s")
    shard = place.path / "parcels" / "ab"
    shard.mkdir(exist_ok=True)
    (shard / ("ab" + "0" * 62 + ".jsonl.gz")).symlink_to(secret)
    (shard / "etc%2fpasswd").write_text("x")
    (place.path / "parcels" / "elsewhere").symlink_to(tmp_path)
    os.mkfifo(shard / ("ab" + "1" * 62 + ".jsonl.gz"))
    (place.path / "README.md").write_text("ours")
    pulled = pull(empty, place)
    assert (pulled.parcels, pulled.refused) == (1, ())
    assert len(pulled.problems) == 4
    assert secret.read_text() == "s"


def test_a_half_written_parcel_is_never_seen(
    full: Ledger, empty: Ledger, place: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crash_at(monkeypatch, 0)
    monkeypatch.setattr("wattbook.sharing.places.os.unlink", lambda path: None)  # as after a kill
    with pytest.raises(Crash):
        push(full, place)
    monkeypatch.undo()
    assert [p.name[0] for p in place.path.rglob("*") if p.is_file()] == ["."]
    assert pull(empty, place).parcels == 0
    push(full, place)
    pull(empty, place)
    assert said(empty) == said(full)


def test_a_folder_that_is_not_there_is_no_empty_one(full: Ledger, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no such folder"):
        push(full, open_place(str(tmp_path / "not mounted")))


def test_a_delivery_says_nothing_about_another_place(full: Ledger, tmp_path: Path, place: Folder) -> None:
    push(full, place)
    (tmp_path / "second").mkdir()
    assert push(full, Folder(tmp_path / "second")).parcels == 1


def test_memory_of_deliveries_is_no_part_of_an_export(full: Ledger, place: Folder) -> None:
    before = text_of(full)
    push(full, place)
    remember_items(full, "x", [])
    assert text_of(full) == before


def test_an_hour_of_a_correction_that_came_before_what_it_corrects_counts_once(empty: Ledger, tmp_path: Path) -> None:
    wrong = an_entry(0, run_id="import:abc")
    right = an_entry(0, run_id="import:abc", energy_j=3550.0, supersedes=wrong.entry_id, reason="scale")
    with Ledger.open(tmp_path / "one.db") as one:
        (tmp_path / "shared").mkdir()
        for entry in (right, wrong):
            one.add([entry])
            push(one, Folder(tmp_path / "shared"))
    pull(empty, Folder(tmp_path / "shared"))
    assert empty.entries() == [right]
