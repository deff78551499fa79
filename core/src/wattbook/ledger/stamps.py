"""When a row was recorded: this machine's clock, but never before a watermark that the book has passed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, union_all

from wattbook.ledger import schema
from wattbook.ledger.inserting import recorded
from wattbook.records import utc_text, utc_time

LOCK = schema.APPLICATION_ID + 2
WATERMARK = "watermark"
AHEAD = timedelta(days=1)  #: how far the clock of a writer may be ahead of the one that closes a month


def stamp(connection: Connection, moment: datetime | None = None) -> str:
    """The time for the rows of this transaction.

    What was recorded up to a watermark never changes, whatever the clocks of other writers say: a row that
    comes later is stamped after it.
    """
    return max(recorded(moment), floor(connection))


def floor(connection: Connection) -> str:
    """The first moment that a row may still be recorded at; waits for whoever sets a watermark just now."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (LOCK,))
    latest = connection.execute(_WATERMARKS).scalar()
    return "" if latest is None else utc_text(utc_time(latest) + timedelta(microseconds=1))


def set_watermark(connection: Connection, moment: datetime) -> str:
    """A moment up to which the book is settled, at *moment* or after the latest row of a clock a little ahead."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    bound = utc_text(moment + AHEAD)
    latest = [
        connection.execute(select(func.max(table.c.recorded_at)).where(table.c.recorded_at <= bound)).scalar()
        for table in (schema.entry, schema.run, schema.statement_set)
    ]
    mark: str = max([utc_text(moment), floor(connection), *(told for told in latest if told is not None)])
    schema.remember(connection, WATERMARK, mark)
    return mark


_WATERMARKS = select(
    func.max(
        union_all(
            select(func.max(schema.meta.c.value).label("mark")).where(schema.meta.c.name == WATERMARK),
            select(func.max(schema.period.c.watermark).label("mark")),
        )
        .subquery()
        .c.mark
    )
)
