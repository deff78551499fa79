"""What the user may set about RAPL: the table ``[plugins.rapl]``."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Config:
    """``[plugins.rapl]``."""

    interface: str = "both"  #: ``powercap``, ``perf`` or ``both``
    root: str = "/"  #: the folder in which ``sys`` and ``proc`` lie
