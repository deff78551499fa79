"""A calibration as one JSON document, and back; what is not one is refused with a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import asdict, fields, frozen

from wattbook.calibrating.correction import Correction, Corrections
from wattbook.calibrating.pairs import WIDEST

VERSION = 1  #: of the file; a newer one is refused
_NAMES = {a.name for a in fields(Correction)}
_COUNTS = ("hosts", "host_days")
_SHARES = ("before", "after", "covered")


@frozen(kw_only=True)
class Origin:
    """What a calibration was fitted on."""

    made_at: str
    book: str
    watermark: str  #: when the newest of its entries was recorded
    start: str | None = None  #: of the period, where one was given
    end: str | None = None

    @property
    def told(self) -> str:
        return f"calibration of {self.made_at[:10]} on {self.book} up to {self.watermark}"


def as_document(origin: Origin, corrections: Iterable[Correction]) -> dict[str, Any]:
    """The document of a calibration; ``from_document`` is the inverse."""
    return {
        "wattbook_calibration": VERSION,
        **asdict(origin),
        "corrections": [asdict(correction) for correction in corrections],
    }


def from_document(plain: Any) -> tuple[Origin, Corrections]:
    """The calibration of a document; raises ``ValueError`` with what is wrong."""
    if not isinstance(plain, Mapping) or "wattbook_calibration" not in plain:
        raise ValueError("it is no calibration of wattbook")
    if plain["wattbook_calibration"] != VERSION:
        raise ValueError(
            f"it was written by another wattbook (version {plain['wattbook_calibration']!r:.20}, known here is {VERSION})"
        )
    made_at, book, watermark, start, end = (
        plain.get(name) for name in ("made_at", "book", "watermark", "start", "end")
    )
    if not (_text(made_at) and _text(book) and _text(watermark)):
        raise ValueError("it does not say when it was made, of which book and up to when")
    origin = Origin(
        made_at=str(made_at),
        book=str(book),
        watermark=str(watermark),
        start=str(start) if _text(start) else None,
        end=str(end) if _text(end) else None,
    )
    rows = plain.get("corrections")
    if not isinstance(rows, list):
        raise ValueError("it holds no corrections")
    found = [_correction(row, number) for number, row in enumerate(rows, start=1)]
    return origin, Corrections(of={(one.cause, one.family): one for one in found}, source=origin.told)


def _correction(row: Any, number: int) -> Correction:
    where = f"correction {number}"
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is no table")
    known = {name: row[name] for name in row if name in _NAMES}
    for name in ("cause", "family"):
        if not (
            isinstance(known.get(name), str) and known[name] and known[name].isprintable() and len(known[name]) <= 200
        ):
            raise ValueError(f"{where}: {name} is not a name")
    for name in ("factor", "low", "high", "down", "up"):
        if not _number(known.get(name)):
            raise ValueError(f"{where}: {name} is not a number")
    for name in _COUNTS:
        if type(known.get(name)) is not int or known[name] < 1:
            raise ValueError(f"{where}: {name} is not a count")
    for name in _SHARES:
        if known.get(name) is not None and not _number(known[name]):
            raise ValueError(f"{where}: {name} is not a number")
    if not 1 / WIDEST <= known["factor"] <= WIDEST or not 0 < known["low"] <= known["factor"] <= known["high"]:
        raise ValueError(f"{where}: a factor lies in its interval, and between 1/{WIDEST:g} and {WIDEST:g}")
    if known["down"] < 0 or known["up"] < 0:
        raise ValueError(f"{where}: down and up are widths, 0 or more")
    return Correction(**known)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= 500


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
