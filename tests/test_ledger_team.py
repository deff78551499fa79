"""A team's book in a real PostgreSQL: many agents push at once, and none fails and none is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from wattbook.errors import LedgerError
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.sharing import patiently, pull, push, push_to_book
from wattbook.sharing.places import Folder
from wattbook.testing.ledger import a_run, an_entry, fill, text_of

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")

AGENTS = int(os.environ.get("WATTBOOK_TEST_AGENTS", "8"))  #: 100 for the figure that is promised
ENTRIES = 40

#: one agent: a spool of a finished run meant for the team, and a book of its own
AGENT = """
import os, sys
me, team = sys.argv[1], sys.argv[2]
os.environ["WATTBOOK_STATE"] = f"{sys.argv[3]}/state{me}"
from wattbook.ledger.store import Ledger
from wattbook.spool import SpoolWriter
from wattbook.testing.ledger import *
def a_day(run_id):
    return a_run(run_id, end=utc_text(START + timedelta(hours=24)))
with Ledger.open(f"{sys.argv[3]}/{me}.db") as book:
    book.add([an_entry(n, host=f"h{me}", run_id=f"r{me}") for n in range(20)], [a_day(f"r{me}")])
    book.add([an_entry(n, host="all", run_id="shared") for n in range(20)], [a_day("shared")])
writer = SpoolWriter.create(a_day(f"s{me}"), ledger=team)
writer.end(a_day(f"s{me}"), [an_entry(n, host=f"s{me}", run_id=f"s{me}") for n in range(20)])
writer.close()
from wattbook.cli import entry
entry(["ledger", "push", "--to", team, "--ledger", f"{sys.argv[3]}/{me}.db", "--patience", "300", "--json"])
"""


def agents(count: int, team: str, folder: Path, code: str = AGENT) -> list[subprocess.Popen[str]]:
    return [
        subprocess.Popen(
            [sys.executable, "-c", code, str(me), team, str(folder)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for me in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_agents_that_push_at_once_all_succeed_and_lose_nothing(
    kind: str, new_database: Callable[[], str], tmp_path: Path
) -> None:
    """On a file eight processes are the promise, on a server a hundred agents, more than it has connections."""
    count = AGENTS if kind == "postgresql" else 8
    team = new_database() if kind == "postgresql" else f"sqlite:///{tmp_path / 'team.db'}"
    crowd = agents(count, team, tmp_path)
    said = [process.communicate() for process in crowd]
    assert [process.returncode for process in crowd] == [0] * count, said
    documents = [json.loads(out) for out, _ in said]
    assert [d["problems"] for d in documents] == [[]] * count
    assert [d["spools"]["files"] for d in documents] == [1] * count
    with Ledger.open(team) as book:
        assert book.count() == count * ENTRIES + 20
        assert len(book.runs()) == 2 * count + 1
        assert verify(book).ok
    assert not list(tmp_path.glob("state*/spool/*.jsonl"))


def test_a_book_that_was_pushed_to_the_server_is_the_same_there(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    with Ledger.open(tmp_path / "one.db") as book, Ledger.open(url) as team:
        fill(book)
        assert push_to_book(book, url).entries == 5
        assert [e.entry_id for e in team.entries()] == [e.entry_id for e in book.entries()]
        assert team.statements() == book.statements()
        before = text_of(team)
        assert push_to_book(book, url, everything=True).entries == 5
        assert text_of(team) == before


def test_parcels_go_into_the_teams_book_and_out_of_it(new_database: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    place = Folder(tmp_path / "shared")
    with Ledger.open(tmp_path / "one.db") as book, Ledger.open(new_database()) as team:
        fill(book)
        push(book, place)
        assert pull(team, place).new_entries == 5
        team.add([an_entry(0, run_id="more")], [a_run("more")])
        assert push(team, place).runs == 1
        assert pull(book, place).new_entries == 1
        assert [e.entry_id for e in team.entries()] == [e.entry_id for e in book.entries()]


def test_a_push_whose_connection_is_cut_again_and_again_arrives_once(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattbook.sharing.servers.BATCH", 5)
    url = new_database()
    over = threading.Event()

    def cut_off() -> None:
        while not over.is_set():
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            time.sleep(0.05)

    with Ledger.open(tmp_path / "one.db") as book:
        book.add([an_entry(n, run_id=f"r{n}") for n in range(60)], [a_run(f"r{n}") for n in range(60)])
        Ledger.open(url).close()
        thread = threading.Thread(target=cut_off)
        thread.start()
        try:
            push_to_book(book, url, patience_s=120)
        finally:
            over.set()
            thread.join()
        assert push_to_book(book, url).runs == 0
        with Ledger.open(url) as team:
            assert (team.count(), len(team.runs())) == (60, 60)


def test_a_server_that_is_away_keeps_everything_here(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "one.db") as book:
        fill(book)
        before = text_of(book)
        with pytest.raises(LedgerError, match=r"127\.0\.0\.1"):
            push_to_book(book, "postgresql://127.0.0.1:1/nobody", patience_s=0.3)
        assert text_of(book) == before


def test_a_wrong_password_is_not_tried_again() -> None:
    tries = []

    def refused() -> None:
        tries.append(1)
        raise LedgerError('FATAL: password authentication failed for user "ada"')

    with pytest.raises(LedgerError):
        patiently(refused, 60)
    assert len(tries) == 1


def test_a_watch_hands_its_hours_to_the_server_by_itself(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that the watch starts, with a spool of an hour that is over."""
    from wattbook.spool import SpoolWriter
    from wattbook.watching.handing import Handover

    url = new_database()
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path))
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "mine.db"))
    writer = SpoolWriter.create(a_run("hour"), ledger=url)
    writer.end(a_run("hour"), [an_entry(0, run_id="hour")])
    writer.close()
    handover = Handover(url)
    handover.poll(0.0)
    assert handover._child is not None
    assert handover._child.wait(60) == 0
    with Ledger.open(url) as team:
        assert team.count() == 1
    assert not list(tmp_path.glob("spool/*.jsonl"))
    assert not (tmp_path / "mine.db").exists()
