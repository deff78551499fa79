"""The book in a real PostgreSQL: the same contract as SQLite, and what is special about a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from wattbook.errors import LedgerError
from wattbook.testing.ledger import LedgerContract, a_snapshot, a_statement, an_entry, fill, text_of

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")


class TestPostgresql(LedgerContract):
    @pytest.fixture
    def new_url(self, new_database: Callable[[], str]) -> Callable[[], str]:
        return new_database


def test_a_server_that_goes_away_in_the_middle_leaves_nothing(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    def cut_off(book: Ledger) -> None:
        with book.transaction():
            book.add([an_entry()])
            book.add_statements([a_statement()], a_snapshot())
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            book.add([an_entry(1)])

    url = new_database()
    with Ledger.open(url) as book:
        with pytest.raises(LedgerError):
            cut_off(book)
        assert (book.count(), book.statements()) == (0, [])
        assert book.add([an_entry()]).new == 1


def test_other_tables_in_our_place_are_left_alone(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA wattbook; CREATE TABLE wattbook.entry (x int)")
    with pytest.raises(LedgerError, match="not a book"):
        Ledger.open(url)


def test_a_newer_book_is_refused(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    Ledger.open(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO wattbook.meta VALUES ('schema_version', '99', '')")
    with pytest.raises(LedgerError, match="newer wattbook"):
        Ledger.open(url)


def test_emptying_a_table_is_refused(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    with Ledger.open(url) as book:
        book.add([an_entry()])
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="append-only"):
            connection.execute("TRUNCATE wattbook.entry")
        assert book.count() == 1


def test_a_reader_reads_and_cannot_write(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    with Ledger.open(url) as book:
        book.add([an_entry()])
    reader = "reader_" + url.partition("/book")[2].partition("?")[0]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {reader} LOGIN")
        connection.execute(f"GRANT USAGE ON SCHEMA wattbook TO {reader}")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA wattbook TO {reader}")
    with Ledger.open(url.replace("postgres:@", f"{reader}:@").replace("postgres@", f"{reader}@")) as book:
        assert book.count() == 1
        with pytest.raises(LedgerError, match="permission denied"):
            book.add([an_entry(1)])


def test_a_stranger_is_refused_without_showing_the_password(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database().replace("postgres:@", "nobody:geheim@").replace("postgres@", "nobody:geheim@")
    with pytest.raises(LedgerError, match="nobody") as refused:
        Ledger.open(url)
    assert "geheim" not in str(refused.value)


@pytest.fixture(params=[1, 2])
def old(new_database: Callable[[], str], request: pytest.FixtureRequest) -> str:
    """A book of an older schema, with a bit of everything in it."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((Path(__file__).parent / "data" / f"book-v{request.param}-postgresql.sql").read_bytes())
    return url


def shape(url: str) -> list[object]:
    """Every column, index and trigger of a book."""
    queries = (
        "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'wattbook' ORDER BY 1, 2",
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'wattbook' ORDER BY 1, 2",
        "SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers ORDER BY 1, 2, 3",
    )
    with psycopg.connect(url) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def test_an_older_book_is_upgraded_with_all_that_is_in_it(old: str, new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger
    from wattbook.ledger.verify import verify

    new = new_database()
    with Ledger.open(new) as fresh, Ledger.open(old) as book:
        fill(fresh)
        assert text_of(book) == text_of(fresh)
        assert verify(book).ok
        assert book.add([an_entry(7, attribution="process share of cpu time")]).new == 1
    assert shape(old) == shape(new)


def as_user(url: str, name: str, *grants: str) -> str:
    """The URL of *url* for a new role that may do what *grants* say."""
    role = f"{name}_{url.partition('/book')[2].partition('?')[0]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        for grant in grants:
            connection.execute(grant.format(role))
    return url.replace("postgres:@", f"{role}:@").replace("postgres@", f"{role}@")


def test_an_older_book_that_may_only_be_read_is_read(old: str) -> None:
    from wattbook.ledger.store import Ledger
    from wattbook.ledger.verify import verify

    grants = ("GRANT USAGE ON SCHEMA wattbook TO {}", "GRANT SELECT ON ALL TABLES IN SCHEMA wattbook TO {}")
    before = shape(old)
    with Ledger.open(as_user(old, "old_reader", *grants)) as book:
        assert book.count() == 5
        assert verify(book).ok
        with pytest.raises(LedgerError, match="its owner upgrades it"):
            book.add([an_entry(1)])
    assert shape(old) == before


def test_an_older_book_that_cannot_even_be_shown_says_what_to_do(old: str) -> None:
    from wattbook.ledger.store import Ledger

    with psycopg.connect(old, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    grants = ("GRANT USAGE ON SCHEMA wattbook TO {}", "GRANT SELECT ON ALL TABLES IN SCHEMA wattbook TO {}")
    with pytest.raises(LedgerError, match="its owner upgrades it"), Ledger.open(as_user(old, "poor", *grants)) as book:
        book.count()


@pytest.fixture
def with_roles(new_database: Callable[[], str]) -> Callable[[str], str]:
    """A book with something in it and the roles of the script; a function that gives the URL of a login with one."""
    from wattbook.ledger.roles import Roles, script
    from wattbook.ledger.store import Ledger

    url = new_database()
    number = url.partition("/book")[2].partition("?")[0]
    roles = Roles(owner=f'o "{number}"', writer=f"w{number}", reader=f"r{number}")
    with Ledger.open(url) as book:
        fill(book)
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2):  # it may be run again
            connection.execute(script(roles).encode())

    def login(role: str) -> str:
        name = getattr(roles, role).replace('"', '""')
        return as_user(url, f"login_{role}", f'GRANT "{name}" TO {{}}')

    return login


FORBIDDEN = (
    "UPDATE wattbook.entry SET energy_j = 0", "DELETE FROM wattbook.entry", "TRUNCATE wattbook.entry",
    "DROP TRIGGER entry_no_delete ON wattbook.entry", "ALTER TABLE wattbook.entry DISABLE TRIGGER ALL",
    "ALTER TABLE wattbook.entry ADD COLUMN x int", "DROP TABLE wattbook.entry", "CREATE TABLE wattbook.x (y int)",
    "CREATE OR REPLACE FUNCTION wattbook.wattbook_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
    "INSERT INTO wattbook.meta VALUES ('schema_version', '99', '')",
    "INSERT INTO wattbook.period SELECT * FROM wattbook.period", "SET session_replication_role = replica",
)  # fmt: skip


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_neither_writer_nor_reader_can_change_anything(with_roles: Callable[[str], str], role: str) -> None:
    url = with_roles(role)
    for sql in FORBIDDEN:
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match=r"denied|owner|policy"):
            connection.execute(sql)


def test_a_writer_adds_and_leaves_a_note(with_roles: Callable[[str], str]) -> None:
    from wattbook.ledger.notes import add_note
    from wattbook.ledger.store import Ledger

    with Ledger.open(with_roles("writer")) as book:
        assert book.add([an_entry(30)]).new == 1
        assert book.add_statements([a_statement("4", month="2026-05")], a_snapshot("w")).new == 1
        add_note(book, "plan", {"what": "move"})
        assert book.count() == 6


def test_a_reader_reports_and_verifies(with_roles: Callable[[str], str]) -> None:
    from wattbook.ledger.store import Ledger
    from wattbook.ledger.verify import verify

    with Ledger.open(with_roles("reader")) as book:
        assert book.count() == 5
        assert verify(book).ok
        with pytest.raises(LedgerError, match="permission denied"):
            book.add([an_entry(30)])


def test_the_owner_closes_a_month_and_a_writer_cannot(with_roles: Callable[[str], str]) -> None:
    from wattbook.closing.acts import close
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period

    month = Period.from_month("2026-10", "UTC")
    now = month.end
    with Ledger.open(with_roles("writer")) as book, pytest.raises(LedgerError, match=r"denied|policy"):
        close(book, Config(), month, now=now)
    with Ledger.open(with_roles("owner")) as book:
        assert close(book, Config(), month, now=now).act.revision == 1


def test_a_wrong_password_is_refused_without_showing_any(new_database: Callable[[], str]) -> None:
    from wattbook.ledger.store import Ledger

    url = new_database()
    user = as_user(url, "guarded", "ALTER ROLE {} PASSWORD 'richtig'")
    name = user.partition("://")[2].partition(":")[0]
    with psycopg.connect(url, autocommit=True) as connection:
        rules = Path(connection.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index]
        before = rules.read_text()
        rules.write_text(f"local all {name} scram-sha-256\n{before}")
        connection.execute("SELECT pg_reload_conf()")
        try:
            with pytest.raises(LedgerError, match="password authentication failed") as refused:
                _open_when_asked(user.replace(f"{name}:@", f"{name}:falsch@"))
            assert "falsch" not in str(refused.value)
            with pytest.raises(LedgerError, match="no password"):
                Ledger.open(user)
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")


def _open_when_asked(url: str) -> None:
    """Open until the server has read its rules again, and asks for the password."""
    from wattbook.ledger.store import Ledger

    for _ in range(100):
        try:
            Ledger.open(url).close()
        except LedgerError as error:
            if "permission denied" not in str(error) and "no book" not in str(error):
                raise
        time.sleep(0.05)


SLOW_CLOCK = """
import sys
from wattbook.ledger.store import Ledger
from wattbook.testing.ledger import *
with Ledger.open(sys.argv[1]) as book:
    for n in range(300):
        book.add([an_entry(n % 20, host=f"{sys.argv[2]}-{n // 20}")])
        print(n, flush=True)
"""


def test_nothing_slips_into_a_month_that_is_closed_while_agents_of_slow_clocks_write(
    new_database: Callable[[], str],
) -> None:
    from wattbook.closing.acts import close
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.ledger.verify import verify
    from wattbook.report import Period

    url = new_database()
    month = Period.from_month("2026-10", "UTC")
    with Ledger.open(url) as book:
        crowd = [
            subprocess.Popen(
                [sys.executable, "-c", SLOW_CLOCK, url, name], stdout=subprocess.PIPE, text=True,
                env={**os.environ, "SOURCE_DATE_EPOCH": "1600000000"},
            )
            for name in ("a", "b")
        ]  # fmt: skip
        for process in crowd:
            assert process.stdout is not None
            process.stdout.readline()
        act = close(book, Config(), month, now=month.end).act
        for process in crowd:
            process.communicate()
        assert book.count() == 600 > act.manifest["content"]["entries"] > 0
        assert [fault for fault in verify(book, now=month.end).faults if fault.kind == "period"] == []
