"""The few lines that ``wattbook run`` says on stderr when the command has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

J_PER_WH = 3_600
LONGEST = 110  #: characters of one line


def summary(doc: Mapping[str, Any], *, recorded: bool = True) -> list[str]:
    """A few lines of plain ASCII: the figure, what it is made of, whose it is, what is missing, the grid, the book."""
    lines = ["wattbook  " + "   ".join([duration(doc["duration_s"]), energy(doc), carbon(doc), basis(doc)])]
    lines += parts(doc["readings"])
    lines += whose(doc.get("attributed"), doc.get("own_energy_j"))
    missing = ", ".join(dict.fromkeys(gap["domain"] for gap in doc["gaps"]))
    if missing:
        lines.append(_cut(f"  not covered: {missing}"))
    factor = doc["factor"]
    if factor:
        year = f" {factor['year']}" if factor["year"] else ""
        how = ", assumed" if factor["assumed"] else ""
        lines.append(_cut(f"  grid: {factor['zone']} {factor['g_per_kwh']:.3g} g/kWh{year}{how}"))
    if recorded:
        lines.append("  recorded; why this number: wattbook explain last")
    return lines


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def energy(doc: Mapping[str, Any]) -> str:
    wh = [None if doc[k] is None else doc[k] / J_PER_WH for k in ("energy_j", "energy_low_j", "energy_high_j")]
    return span(wh, (("MWh", 1e6), ("kWh", 1e3), ("Wh", 1.0), ("mWh", 1e-3))) or "energy not known"


def carbon(doc: Mapping[str, Any]) -> str:
    grams = [doc[k] for k in ("co2e_g", "co2e_low_g", "co2e_high_g")]
    text = span(grams, (("t", 1e6), ("kg", 1e3), ("g", 1.0), ("mg", 1e-3)))
    return f"{text} CO2e" if text else "carbon not known"


def span(values: Sequence[float | None], units: Iterable[tuple[str, float]]) -> str:
    """A value, or its interval where that is wider than what two digits show: ``0.2-0.7 Wh``."""
    middle, low, high = values
    if middle is None:
        return ""
    largest = max(middle, high or 0.0)
    steps = list(units)
    unit, size = next(((u, s) for u, s in steps if largest >= s), steps[-1])
    if low is None or high is None or figure(low / size) == figure(high / size):
        return f"{figure(middle / size)} {unit}"
    return f"{figure(low / size)}-{figure(high / size)} {unit}"


def figure(number: float) -> str:
    """Two significant digits, three for what starts with a one, never an exponent."""
    if number == 0:
        return "0"
    if abs(number) >= 100:
        return f"{number:.0f}"
    text = f"{number:.2g}"
    return f"{float(text):.6f}".rstrip("0").rstrip(".") if "e" in text else text


def basis(doc: Mapping[str, Any]) -> str:
    shares = {name: joules for name, joules in doc["by_basis_j"].items() if joules}
    whole = sum(shares.values())
    return ", ".join(f"{name} {joules / whole:.0%}" for name, joules in shares.items()) or "nothing covered"


def parts(readings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The addends, the largest first, the basis as a letter; more than two are one line together."""
    addends = sorted((r for r in readings if r["outermost"]), key=lambda r: -(r["energy_j"] or 0.0))
    named = []
    for r in addends:
        wh = [None if r[k] is None else r[k] / J_PER_WH for k in ("energy_j", "low_j", "high_j")]
        figures = span(wh, (("kWh", 1e3), ("Wh", 1.0), ("mWh", 1e-3)))
        letter = (r["basis"] or "?")[0].upper()
        named.append((f"{letter} {r['device']}/{r['domain']} {figures}", f"{r['plugin']}:{r['source']}"))
    if not named:
        return []
    if len(named) <= 2:
        return [_cut(f"  {what}  {source}") for what, source in named][:2]
    return [_cut("  " + "; ".join(what for what, _ in named))]


def whose(attributed: Mapping[str, Any] | None, own_j: float | None = None) -> list[str]:
    """What the command's processes and wattbook caused of the machine's energy, where that is known."""
    if attributed is None or attributed["process_j"] is None:
        return [] if own_j is None else [_cut(f"  the machine's energy; wattbook itself caused {one(own_j)} of it")]
    caused, machine = (one(attributed[name]) for name in ("process_j", "machine_j"))
    own = "" if own_j is None else f", wattbook itself {one(own_j)}"
    idle = f"idle: {attributed['idle']}"
    if attributed["attribute"] == "process":
        line = f"  what its processes caused of the machine's {machine}{own}; {idle}"
    else:
        line = f"  the machine's energy; its processes caused {caused} of it{own} ({idle})"
    if attributed["unallocated_j"]:
        line += f", {one(attributed['unallocated_j'])} unallocated"
    if attributed["accelerators_j"]:
        line += f"; {one(attributed['accelerators_j'])} of boards are not divided"
    return [_cut(line)]


def one(joules: float) -> str:
    """One figure in the unit that fits it."""
    return span([joules / J_PER_WH, None, None], (("MWh", 1e6), ("kWh", 1e3), ("Wh", 1.0), ("mWh", 1e-3)))


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
