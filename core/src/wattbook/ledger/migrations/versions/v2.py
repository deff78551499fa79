"""Schema 2: closed periods, and what else ``schema`` marks with ``since=2``."""

from __future__ import annotations

from wattbook.ledger.migrations import bring

revision = "2"
down_revision = None


def upgrade() -> None:
    bring(2)
