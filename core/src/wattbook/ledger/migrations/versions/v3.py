"""Schema 3: months that are added up, and indexes of when entries and runs were recorded."""

from __future__ import annotations

from wattbook.ledger.migrations import bring

revision = "3"
down_revision = "2"


def upgrade() -> None:
    bring(3)
