"""Names for the pseudonyms of a report, where whoever looks has the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from wattbook.people import PSEUDONYM, TAG
from wattbook.people.keys import Keys

if TYPE_CHECKING:
    from wattbook.config import Privacy
    from wattbook.report import Report

DIMENSIONS = ("person", f"tag:{TAG}")
ERASED = "erased person"


def named(report: Report, privacy: Privacy) -> Report:
    """The report with names where the keys are here; a pseudonym whose key is gone says so."""
    if not any(dim in report.by for dim in DIMENSIONS):
        return report
    try:
        names = Keys.of(privacy).names()
    except OSError:
        return report
    by, provided, atoms = dict(report.by), dict(report.provided), report.atoms
    for number, dim in enumerate(report.by):
        if dim not in DIMENSIONS:
            continue
        keys = {*(row.key for row in by[dim]), *(atom.keys[number] for atom in atoms), *provided.get(dim, {})}
        told = {key: shown(key, names) for key in keys}
        by[dim] = tuple(evolve(row, key=told[row.key]) for row in by[dim])
        provided[dim] = {told[key]: shares for key, shares in provided.get(dim, {}).items()}
        # what the rows are sums of is looked up by their keys
        atoms = tuple(evolve(atom, keys=_with(atom.keys, number, told[atom.keys[number]])) for atom in atoms)
    return evolve(report, by=by, provided=provided, atoms=atoms)


def _with(keys: tuple[str | None, ...], number: int, key: str | None) -> tuple[str | None, ...]:
    return (*keys[:number], key, *keys[number + 1 :])


def shown(key: str | None, names: dict[str, str]) -> str | None:
    """How a key of a row is shown; no two pseudonyms become one row, even of one name."""
    if key is None or not PSEUDONYM.fullmatch(key) or key not in names:
        return key
    name = names[key] or ERASED
    alike = [other for other, told in names.items() if (told or ERASED) == name]
    return name if len(alike) == 1 and names[key] else f"{name} ({key})"
