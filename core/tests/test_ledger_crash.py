"""Whatever happens to a writer, what was acknowledged is there, and the rest is not there by half."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import event
from wattbook.errors import LedgerError
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.testing.ledger import a_snapshot, a_statement, an_entry, fill, text_of

CRASHES = int(os.environ.get("WATTBOOK_CRASHES", "5"))

WRITER = """
import sys
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import *
host = sys.argv[2]
with Ledger.open(sys.argv[1]) as book:
    for n in range(100_000):
        book.add([an_entry(n, host=host), an_entry(n, host=host, device="cpu:1")], [a_run(f"{host}-{n}")])
        print(n, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_writer_that_is_killed_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    rng = random.Random(7)
    for crash in range(CRASHES):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, f"h{crash}"], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(rng.random() / 5)
        writer.kill()
        acknowledged = [int(line) for line in [first, *writer.communicate()[0].splitlines()] if line.strip()]
        with Ledger.open(path) as book:
            mine = [entry for entry in book.entries() if entry.host == f"h{crash}"]
            assert len(mine) in (2 * len(acknowledged), 2 * len(acknowledged) + 2)
            assert len({entry.start for entry in mine}) * 2 == len(mine)
            assert not [fault for fault in verify(book).faults if fault.kind != "clock"]


def test_a_full_disk_refuses_and_leaves_the_book_as_it_was(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as book:
        fill(book)
        before = text_of(book)
        pages = int((tmp_path / "ledger.db").stat().st_size / 4096) + 4
        event.listen(book._engine, "checkout", lambda raw, *_: raw.execute(f"PRAGMA max_page_count={pages}").close())
        with pytest.raises(LedgerError, match="the disk is full"):
            book.add(an_entry(n, run_id=f"run {n}") for n in range(5_000))
        with pytest.raises(LedgerError, match="the disk is full"):
            book.add_statements(
                (a_statement("1", month="2026-03", service=f"s {n}") for n in range(5_000)), a_snapshot("9")
            )
        assert text_of(book) == before


FULL = """
import resource, signal, sys
from wattbook.errors import LedgerError
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import *
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
host, largest = sys.argv[2], int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
try:
    with Ledger.open(sys.argv[1]) as book:
        for n in range(100_000):
            book.add([an_entry(n, host=host), an_entry(n, host=host, device="cpu:1", terms=({"what": "x" * 3_000},))])
            print(n, flush=True)
except LedgerError as error:
    print(error, file=sys.stderr)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit to the size of files here")
def test_a_disk_that_fills_up_while_it_is_written_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """The operating system refuses to let a file grow, at any moment of a write."""
    path = tmp_path / "ledger.db"
    rng = random.Random(5)
    with Ledger.open(path) as book:
        book.add([an_entry(-1)])
    for crash in range(CRASHES):
        largest = max(path.stat().st_size, 100_000) + rng.randrange(150_000)
        command = [sys.executable, "-c", FULL, str(path), f"h{crash}", str(largest)]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "full" in said.stderr
        acknowledged = len(said.stdout.splitlines())
        with Ledger.open(path) as book:
            mine = [entry for entry in book.entries() if entry.host == f"h{crash}"]
            assert len(mine) == 2 * acknowledged
            assert not [fault for fault in verify(book).faults if fault.kind != "clock"]


def test_a_locked_book_says_who_waits_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattbook.ledger.sqlite_file.BUSY_TIMEOUT_S", 0.1)
    with Ledger.open(tmp_path / "ledger.db") as book, Ledger.open(tmp_path / "ledger.db") as other:
        with book.transaction():
            book.add([an_entry()])
            assert other.count() == 0
            with pytest.raises(LedgerError, match="locked"):
                other.add([an_entry(1)])
        other.add([an_entry(1)])
        assert book.count() == 2
