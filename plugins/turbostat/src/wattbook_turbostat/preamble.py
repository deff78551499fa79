"""The lines around the tables: turbostat's system header, and what wrapper scripts add."""

from __future__ import annotations

import re

from attrs import define

_VERSION = re.compile(rb"turbostat version v?([\w.]{1,40})")
_VENDOR = re.compile(rb"CPUID\(0\): (\w{1,20})")
_SIGNATURE = re.compile(rb"family:model:stepping \S{1,20} \((\d{1,4}:\d{1,4}:\d{1,4})\)")


@define
class Preamble:
    """What is known about the machine and the tool; kept as provenance."""

    version: str | None = None
    vendor: str | None = None
    signature: str | None = None  #: family, model and stepping in decimal, as in ``6:154:3``
    interval: str | None = None  #: of a wrapper's ``INTERVAL:`` line: what was asked for, not what it was
    complaint: str = ""  #: the last line by which turbostat says that it could not work
    runs: int = 0  #: version lines seen

    @property
    def hardware(self) -> str | None:
        return " ".join(part for part in (self.vendor, self.signature) if part) or None

    def take(self, text: bytes) -> bool:
        """Whether *text* is such a line; what it says is kept."""
        if text.startswith((b"TIME:", b"INTERVAL:")):
            if text.startswith(b"INTERVAL:"):
                self.interval = _ascii(text[9:].strip()[:20])
            return True
        if match := _VERSION.search(text):
            self.version, self.runs = _ascii(match[1]), self.runs + 1
            return True
        if b"msr" in text or b"Failed to" in text or b"RAPL" in text:
            self.complaint = _ascii(text[:200])
        vendor, signature = _VENDOR.match(text), _SIGNATURE.search(text)
        if vendor:
            self.vendor = _ascii(vendor[1])
        if signature:
            self.signature = _ascii(signature[1])
        return bool(vendor or signature)


def _ascii(text: bytes) -> str:
    return "".join(c for c in text.decode("ascii", "replace") if c.isprintable())


#: Intel family 6 models whose DRAM unit turbostat read wrongly before 21.05 (Skylake-SP to Ice Lake)
WRONG_DRAM_UNIT = frozenset(["6:85", "6:106", "6:108"])


def misreads_dram(version: str | None, vendor: str | None, signature: str | None) -> bool:
    """Whether the DRAM figure is four times too high: 61 µJ were taken for the 15.3 µJ of Skylake-SP and later."""
    if version is None or version_key(version) >= (2021, 5):
        return False
    if signature is None:
        return vendor in (None, "GenuineIntel")
    return vendor != "AuthenticAMD" and ":".join(signature.split(":")[:2]) in WRONG_DRAM_UNIT


def version_key(version: str) -> tuple[int, ...]:
    """``20.09.30`` and ``2024.12.03`` in one order; ``4.12`` and older before all of them."""
    numbers = [int(part) for part in re.findall(r"\d{1,6}", version)[:3]]
    if not numbers:
        return (0,)
    year = numbers[0]
    return (year + 2_000 if 17 <= year < 100 else year, *numbers[1:])
