"""Versions of a provider's model, as tuples that compare in their order."""

from __future__ import annotations

import re
from functools import lru_cache

from wattbook import ImportFailed


@lru_cache(maxsize=4096)
def numbers(text: str) -> tuple[int, int, int]:
    """``v3.0.1`` as (3, 0, 1), ``11`` as (11, 0, 0), ``v2025.1`` as (2025, 1, 0)."""
    found = re.fullmatch(r"\s*v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:[-+].*)?\s*", text, re.IGNORECASE)
    if not found:
        raise ImportFailed(f"{text[:40]!r} is not a model version such as v3.0.1 or 11")
    major, minor, patch = (int(part or 0) for part in found.groups())
    return major, minor, patch
