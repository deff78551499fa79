"""Wait for what another process or thread does, without asserting a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], what: str, *, within_s: float = 30.0) -> Any:
    """What *condition* gives once it is true; a loaded machine may need long for a moment's work.

    Raises ``AssertionError`` that names *what* was waited for in vain.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")
