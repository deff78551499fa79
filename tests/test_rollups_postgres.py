"""Months kept added up in a real PostgreSQL: while agents write, by whoever may, and by nobody twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from wattbook.closing import rolling
from wattbook.config import Config
from wattbook.ledger import rollups
from wattbook.report import Period
from wattbook.report.rolled import roll
from wattbook.report.rolled_text import text_of
from wattbook.testing.ledger import START, an_entry

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")

MONTH = Period.from_month(START.strftime("%Y-%m"), "UTC")
CONFIG = Config()

AGENT = """
import sys
from datetime import timedelta
from wattbook.ledger.store import Ledger
from wattbook.records import RunRecord, utc_text
from wattbook.testing.ledger import START, an_entry
me = sys.argv[2]
with Ledger.open(sys.argv[1]) as book:
    for n in range(int(sys.argv[3])):
        start = START + timedelta(hours=n)
        run = RunRecord(run_id=f"w-{me}-{n}", kind="watch", start=utc_text(start),
                        end=utc_text(start + timedelta(hours=1)), host="h" + me)
        book.add([an_entry(n, host="h" + me, run_id=run.run_id)], [run])
"""
KEEPER = """
import sys
from wattbook.closing import rolling
from wattbook.config import Config
from wattbook.ledger.store import Ledger
from wattbook.report import Period
with Ledger.open(sys.argv[1]) as book:
    for _ in range(int(sys.argv[3])):
        rolling.bring_forward(book, Config(), Period.from_month(sys.argv[2], "UTC"))
"""


def test_months_that_are_kept_while_agents_write_lose_nothing(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    Ledger.open(url).close()
    agents = [[AGENT, url, str(me), "25"] for me in range(4)]
    keepers = [[KEEPER, url, MONTH.title, "15"] for _ in range(2)]
    crowd = [subprocess.Popen([sys.executable, "-c", *told]) for told in (*agents, *keepers)]
    assert [process.wait() for process in crowd] == [0] * 6
    with Ledger.open(url) as book:
        assert len(rollups.kept_months(book)) == 1
        from_rollup = rolling.rolled(book, CONFIG, MONTH, (), None)
        whole = roll(book.entries(start=MONTH.start, end=MONTH.end), book.runs(), {}, MONTH)
        assert sum(batch.size for batch in from_rollup.readings) == 100
        assert text_of(from_rollup) == text_of(whole)
        assert [same for _, same in rolling.check(book)] == [True]


def test_a_writer_that_may_set_no_watermark_reports_all_the_same(
    new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from wattbook.ledger.roles import Roles, script
    from wattbook.ledger.store import Ledger

    monkeypatch.setattr(rolling, "WORTH", 1)
    url = new_database()
    number = url.partition("/book")[2].partition("?")[0]
    roles = Roles(owner=f"o{number}", writer=f"w{number}", reader=f"r{number}")
    with Ledger.open(url) as book:
        book.add(an_entry(n) for n in range(10))
        rolling.bring_forward(book, CONFIG, MONTH)
        (kept,) = rollups.kept_months(book)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script(roles).encode())
        connection.execute(f'CREATE ROLE "login{number}" LOGIN')
        connection.execute(f'GRANT "w{number}" TO "login{number}"')
    user = url.replace("postgres:@", f"login{number}:@").replace("postgres@", f"login{number}@")
    with Ledger.open(user) as book:
        assert book.add([an_entry(20), an_entry(21)]).new == 2
        assert sum(batch.size for batch in rolling.rolled(book, CONFIG, MONTH, (), None).readings) == 12
        assert rollups.kept_months(book) == [kept]
