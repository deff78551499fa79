"""What the user may set about turbostat: the table ``[plugins.turbostat]``."""

from __future__ import annotations

from typing import NamedTuple


class Config(NamedTuple):
    """``[plugins.turbostat]``."""

    path: str | None = None  #: the binary; else the one in PATH or in the usual places
    sudo: bool = False  #: run it by ``sudo -n``, which never asks for a password
    interval_s: float = 5.0  #: how often turbostat prints when nobody asks
