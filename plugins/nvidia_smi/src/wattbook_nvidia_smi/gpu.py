"""What every form of nvidia-smi output comes down to: one GPU's figures at one moment, still as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from attrs import field, frozen

BOARD, MODULE, MEMORY = "board", "module", "memory"

#: The fields that can give a domain's power, best first: ``draw`` is what the driver itself shows.
FIELDS = ("draw", "average", "instant")

_NUMBER = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*W?")  # and no other script's digits
_UUID = re.compile(r"GPU-[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOTHING = re.compile(r"\[?(N/A|Not Supported|Unknown Error|GPU is lost|.*deprecated|.*Permissions?)\]?|[0x.:-]*", re.I)


def watts(text: str) -> float | None:
    """The number in a power figure, ``None`` for anything that is not one; never 0 for a text."""
    match = _NUMBER.fullmatch(text.strip())
    return float(match[1]) if match else None


def known(text: str) -> str:
    """An identifier, or an empty text where the tool printed a placeholder or zeros."""
    text = text.strip()
    return "" if _NOTHING.fullmatch(text) else text


def _bus(text: str) -> str:
    return known(text).lower()


def _stripped(text: str) -> str:
    return text.strip()


@frozen(kw_only=True)
class Gpu:
    """How a recording names one GPU; what it does not say is empty."""

    uuid: str = field(default="", converter=known)
    pci: str = field(default="", converter=_bus)
    index: str = field(default="", converter=_stripped)
    name: str = field(default="", converter=known)
    serial: str = field(default="", converter=known)

    @property
    def device(self) -> str:
        """``gpu:`` and the most lasting identifier there is; ``gpu:?`` where there is none."""
        if _UUID.fullmatch(self.uuid) and self.uuid.strip("GPU-0"):
            return f"gpu:{self.uuid}"
        return f"gpu:{self.pci or self.index or '?'}"


@frozen(kw_only=True)
class GpuSample:
    """One GPU in one poll.

    ``at`` is the moment as printed: without a zone unless the tool gave an absolute time.  ``figures``
    holds, per domain name, the text of each field in ``FIELDS`` that was printed.
    """

    gpu: Gpu
    line: int
    at: datetime | None = None
    dateless: bool = False  #: only the time of day was printed; the date in ``at`` means nothing
    figures: Mapping[str, Mapping[str, str]] = field(factory=dict)
    driver: str = ""

    def power(self, scope: str) -> tuple[str, float] | None:
        """The field taken for a domain, and its watts; ``None`` where no field holds a number."""
        texts = self.figures.get(scope, {})
        for name in FIELDS:
            value = watts(texts[name]) if name in texts else None
            if value is not None:
                return name, value
        return None

    def said(self, scope: str) -> str:
        """What stands where a number was expected, for a message."""
        texts = self.figures.get(scope, {})
        return ", ".join(dict.fromkeys(text.strip() or "nothing" for text in texts.values())) or "nothing"
