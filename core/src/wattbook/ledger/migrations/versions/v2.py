"""Schema 2: closed periods, and what else ``schema`` marks with ``since=2``."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column
from wattbook.ledger import schema

revision = "2"
down_revision = None


def upgrade() -> None:
    """Add what is marked; nothing that is there is touched."""
    tables, columns = schema.added_in(2)
    for column in columns:
        default = schema.default_of(column)
        bare: Column[object] = Column(column.name, column.type, nullable=column.nullable, server_default=default)
        op.add_column(column.table.name, bare)
    for table in tables:
        table.create(op.get_bind(), checkfirst=False)
