"""The book in a real PostgreSQL: the same contract as SQLite, and what is special about a server."""

from __future__ import annotations

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


@pytest.fixture
def old(new_database: Callable[[], str]) -> str:
    """A book as wattbook 0.1 wrote it, with a bit of everything in it."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((Path(__file__).parent / "data" / "book-v1-postgresql.sql").read_bytes())
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
