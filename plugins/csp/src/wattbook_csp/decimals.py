"""Numbers as providers write them, taken over to the last digit or refused."""

from __future__ import annotations

import enum
import re
from decimal import Decimal, InvalidOperation

from wattbook import ImportFailed

KG_PER_T = Decimal(1000)
KG_PER_KG = Decimal(1)
KG_PER_G = Decimal("0.001")

MAX_CHARACTERS = 40  #: longer than any double or fixed-point figure; bounds the arithmetic
MAX_KG = Decimal(10) ** 12  #: a gigatonne: more than any provider emits
MIN_EXPONENT = -30


class Marks(enum.Enum):
    """Which mark stands before the decimals; it is told, never guessed."""

    MACHINE = "machine"  #: a point, and no thousands marks, as programs write
    POINT = "point"  #: a point, and commas between thousands
    COMMA = "comma"  #: a comma, and points or spaces between thousands

    @classmethod
    def from_option(cls, option: str | None) -> Marks:
        if option is None:
            return cls.MACHINE
        known = {".": cls.POINT, "point": cls.POINT, ",": cls.COMMA, "comma": cls.COMMA}
        if option.strip().lower() not in known:
            raise ImportFailed(f"the decimal mark is point or comma, not {option!r}")
        return known[option.strip().lower()]


_GROUPED = {
    Marks.POINT: re.compile(r"-?(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?"),
    Marks.COMMA: re.compile(r"-?(\d{1,3}(?:[.\u00a0\u202f ]\d{3})+|\d+)(?:,(\d+))?"),
}


def parse(text: str, marks: Marks = Marks.MACHINE) -> Decimal:
    """The number that *text* is; raises ``ImportFailed`` (without a place) for everything else."""
    plain = text if marks is Marks.MACHINE else _plain(text, marks)
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ImportFailed(_why(text, marks)) from None
    # Decimal reads more than a number: 'NaN', '1_000', ' 1', digits of other scripts
    if not number.is_finite() or len(plain) > MAX_CHARACTERS or not plain.isascii() or "_" in plain:
        raise ImportFailed(_why(text, marks))
    if plain[0] not in "-+.0123456789" or plain[-1] not in "0123456789.":
        raise ImportFailed(_why(text, marks))
    return number


def kilograms(text: str, unit_kg: Decimal, marks: Marks = Marks.MACHINE) -> Decimal:
    """*text* in the unit of *unit_kg* kilograms, as kilograms: finite, not negative, not absurd."""
    number = parse(text, marks)
    if number < 0:
        raise ImportFailed(f"{text} is negative; emissions are 0 or more")
    if (number and not MIN_EXPONENT <= number.adjusted() <= 15) or number * unit_kg > MAX_KG:
        raise ImportFailed(f"{text} is no plausible emission")
    return number.scaleb(unit_kg.adjusted()) if number else Decimal(0)


def _plain(text: str, marks: Marks) -> str:
    stripped = text.strip()
    found = _GROUPED[marks].fullmatch(stripped)
    if not found:
        return stripped if marks is Marks.POINT else "?"
    whole = re.sub(r"\D", "", found[1])
    return ("-" if stripped.startswith("-") else "") + whole + (f".{found[2]}" if found[2] else "")


def _why(text: str, marks: Marks) -> str:
    shown = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "..."
    if re.fullmatch(r"-?[\d.,\u00a0\u202f ']*\d", text) and text.isprintable():
        if marks is not Marks.MACHINE:
            return f"{shown!r} is not a number with a decimal {marks.value}, as --decimal says"
        return f"{shown!r} has marks that can be read in two ways; say --decimal comma or --decimal point"
    return f"{shown!r} is not a number"
