"""The book: an append-only database of facts, from which every figure is derived on reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattbook.ledger.store import Added, Ledger

__all__ = ["Added", "Ledger"]


def __getattr__(name: str) -> Any:
    """Load the database library only when the book is really used."""
    if name not in __all__:
        raise AttributeError(f"module 'wattbook.ledger' has no attribute {name!r}")
    from wattbook.ledger import store

    return getattr(store, name)
