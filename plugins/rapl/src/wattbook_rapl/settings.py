"""What the user may set about RAPL: the table ``[plugins.rapl]``."""

from __future__ import annotations

from typing import NamedTuple


class Config(NamedTuple):
    """``[plugins.rapl]``."""

    interface: str = "both"  #: ``powercap``, ``perf`` or ``both``
    root: str = "/"  #: the folder in which ``sys`` and ``proc`` lie
