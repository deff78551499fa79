"""What a what-if says, as tables of text and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wattbook.accounting import Interval
from wattbook.report.levers.model import Saving
from wattbook.report.lines import Block, clean
from wattbook.report.numbers import CARBON_SCALE, ENERGY_SCALE, digits, spread_text
from wattbook.units import J_PER_WH

NO_SUM = "savings of different levers act on the same energy and are never added; 'together' is computed, not a sum"
NO_INVENTORY = "a what-if changes no figure of the book and enters no total"
OWN_ONLY = "levers act on measured and estimated energy; what a provider states is not divided by them"


def ordered(savings: Sequence[Saving]) -> list[Saving]:
    """Those that gain most carbon first, then those of which only energy is known, then the unknown."""

    def size(one: Saving) -> tuple[int, float, float, str]:
        grams = one.co2e.value if one.co2e else 0.0
        joules = one.energy.value if one.energy else 0.0
        return (0 if one.co2e else 1 if one.energy else 2, -grams, -joules, one.lever.title)

    return sorted(savings, key=size)


def blocks_of(savings: Sequence[Saving], combined: Saving | None, title: str) -> Iterator[Block]:
    """The list of levers by their gain."""
    known = [one for one in ordered(savings) if one.energy is not None or one.co2e is not None]
    money = any(one.money is not None for one in known)
    marginal = any(one.marginal is not None for one in savings)
    heads = ("lever", "saves energy", "carbon", *(("money",) if money else ()), *(("marginal",) if marginal else ()))
    rows = []
    for one in [*known, *([] if combined is None else [combined])]:
        cells = [_name(one), energy(one), carbon(one)]
        cells += [money_text(one)] if money else []
        cells += [_grams(one.marginal)] if marginal else []
        rows.append((*cells, one.confidence, clean(one.lever.what)))
    if rows:
        yield Block(title=title, columns=(*heads, "known from", "what"), rows=tuple(rows))
    else:
        yield Block(title=title, rows=(("the book gives no lever a reason in this period",),))
    unknown = [one for one in savings if one.energy is None and one.co2e is None]
    if unknown:
        yield Block(
            title="Not known from this book",
            columns=("lever", "why", *(("marginal",) if marginal else ())),
            rows=tuple(
                (_name(one), clean(one.lever.unknown or ""), *((_grams(one.marginal),) if marginal else ()))
                for one in unknown
            ),
        )
    told = dict.fromkeys(f"{one.lever.name}: {note}" for one in savings for note in one.lever.notes)
    yield Block(title="Notes", rows=tuple((clean(note),) for note in (NO_SUM, OWN_ONLY, NO_INVENTORY, *told)))


def details_of(one: Saving) -> Iterator[Block]:
    """Everything about one lever."""
    lever = one.lever
    rows = [("what", clean(lever.what))]
    if lever.unknown is not None:
        rows.append(("not known", clean(lever.unknown)))
    if one.energy is not None or one.co2e is not None:
        rows += [("saves energy", energy(one)), ("saves carbon", carbon(one)), ("saves money", money_text(one))]
    rows.append(("by marginal factors", _grams(one.marginal)))
    rows += [("known from", clean(": ".join(filter(None, (one.confidence, lever.source)))))]
    rows += [("arithmetic", clean(line)) for line in lever.arithmetic]
    rows += [("against it", clean(lever.caution)), *(("note", clean(note)) for note in lever.notes)]
    rows += [("note", OWN_ONLY), ("note", NO_INVENTORY)]
    yield Block(title=clean(lever.title), columns=rows[0], rows=tuple(rows[1:]))


def _name(one: Saving) -> str:
    return clean(" ".join(filter(None, (one.lever.name, one.lever.argument))))


def energy(one: Saving) -> str:
    if one.energy is not None and one.energy.value == 0 and one.energy.low in (0, None):
        return "none"
    return _most(one) + spread_text(one.energy, J_PER_WH, ENERGY_SCALE)


def carbon(one: Saving) -> str:
    if one.co2e is not None and one.co2e.value == 0:
        return "next to nothing" + (
            f" (up to {spread_text(Interval(one.co2e.high), 1.0, CARBON_SCALE)})" if one.co2e.high else ""
        )
    return ("" if one.co2e is None else _most(one)) + _grams(one.co2e)


def _most(one: Saving) -> str:
    return "at most " if one.lever.at_most and one.energy is not None else ""


def money_text(one: Saving) -> str:
    """With the currency of the configuration, which says a price or none."""
    if one.money is None:
        return "no price per kWh is configured" if one.currency == "" else "unknown"
    ends = [end for end in (one.money.low, one.money.high) if end is not None]
    spread = f" ({digits(ends[0])} to {digits(ends[1])})" if len(ends) == 2 and one.money.value else ""
    return f"{digits(one.money.value)} {clean(one.currency)}{spread}"


def _grams(interval: Interval | None) -> str:
    return spread_text(interval, 1.0, CARBON_SCALE)


def saving_as_json(one: Saving) -> dict[str, Any]:
    lever = one.lever
    return {
        "lever": lever.name, "argument": lever.argument, "title": lever.title, "what": lever.what,
        "at_most": lever.at_most,
        **interval_as_json("energy", "_j", one.energy),
        **interval_as_json("co2e", "_g", one.co2e),
        **interval_as_json("marginal_co2e", "_g", one.marginal),
        **interval_as_json("money", "", one.money),
        "currency": one.currency or None,
        "acts_on_j": one.acts_on_j if lever.unknown is None else None,
        "confidence": one.confidence if lever.unknown is None else None,
        "source": lever.source or None, "caution": lever.caution, "arithmetic": list(lever.arithmetic),
        "notes": list(lever.notes), "unknown": lever.unknown,
    }  # fmt: skip


def interval_as_json(name: str, unit: str, interval: Interval | None) -> dict[str, float | None]:
    """``energy_j``, ``energy_low_j`` and ``energy_high_j``; ``None`` where unknown."""
    return {
        f"{name}{unit}": None if interval is None else interval.value,
        f"{name}_low{unit}": None if interval is None else interval.low,
        f"{name}_high{unit}": None if interval is None else interval.high,
    }
