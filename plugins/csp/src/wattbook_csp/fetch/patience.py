"""Ask again where a provider says to slow down, and say where a library is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

from wattbook import Unavailable

T = TypeVar("T")

ATTEMPTS = 6
TIMEOUT_S = 300.0
MAX_PAGES = 10_000  #: of one answer; more is a provider that never ends


def patiently(call: Callable[[], T], again: Callable[[Exception], bool | float]) -> T:
    """What *call* gives; asked again, later and later, after an error that *again* says is passing.

    *again* may say in how many seconds.  The last error is let through.
    """
    stamina = need("stamina", "")
    logging.getLogger("stamina").setLevel(logging.ERROR)  # its name for a retry says nothing to a user
    for attempt in stamina.retry_context(
        on=again, attempts=ATTEMPTS, timeout=TIMEOUT_S, wait_initial=1.0, wait_max=30.0
    ):
        with attempt:
            return call()
    raise AssertionError("stamina lets the last error through")


def need(module: str, extra: str) -> Any:
    """The library *module*, which an extra of this distribution brings."""
    try:
        return import_module(module)
    except ImportError as error:
        reason = f"fetching needs the library {module.replace('.', '-')}, which is not installed"
        raise Unavailable(reason, remedy=f"pip install 'wattbook-csp[{extra or 'aws,gcp,azure'}]'") from error
