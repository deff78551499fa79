"""Where the readings of a figure come from: one source on one domain of one host, with its formula and evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve, frozen

from wattbook.accounting import Carbon, Tally
from wattbook.accounting.carbon import factor_of
from wattbook.explaining.tree import carbon_formula, leaves_of
from wattbook.records import Entry
from wattbook.report.atoms import Atom, Line
from wattbook.report.derivation import Origin
from wattbook.report.lines import clean
from wattbook.report.numbers import digits, energy_text

NAMED = 3  #: hashes and runs of one origin


@frozen
class Pool:
    """What atoms of one line come to."""

    tally: Tally
    count: int
    atoms: tuple[Atom, ...]


Pools = Mapping[Line, Pool]


def pools_of(atoms: Iterable[Atom]) -> Pools:
    """Atoms by their line; every atom is added once, and what is said of a figure is a sum of pools."""
    groups: dict[Line, list[Atom]] = defaultdict(list)
    for atom in atoms:
        groups[atom.line].append(atom)
    return {line: _pool(some) for line, some in groups.items()}


def _pool(atoms: list[Atom]) -> Pool:
    tally = atoms[0].tally if len(atoms) == 1 else sum_of(atom.tally for atom in atoms)
    return Pool(tally, sum(atom.count for atom in atoms), tuple(atoms))


def origin_of(anchor: str, line: Line, pool: Pool) -> Origin:
    total, atoms = pool.tally.total(), pool.atoms
    largest = max((atom.largest for atom in atoms), key=lambda entry: entry.energy_j or 0.0)
    evidence = sorted(set().union(*(atom.evidence for atom in atoms)))
    runs = sorted(set().union(*(atom.runs for atom in atoms))) or [largest.run_id]
    joules = total.energy.value if total.energy else None
    whole = evolve(largest, energy_j=joules, low_j=None, high_j=None)
    carbon = Carbon(location=total.location_g, market=total.market_g, factor=factor_of(line.place, line.year))
    return Origin(
        anchor=anchor,
        basis=line.basis,
        name=name_of_line(line),
        source=clean(" ".join(filter(None, (f"{line.plugin}:{line.source}", line.version)))),
        method=clean(line.method),
        count=pool.count,
        hours=sum(atom.hours for atom in atoms),
        start=min(atom.start for atom in atoms),
        end=max(atom.end for atom in atoms),
        total=total,
        formula=clean(carbon_formula(whole, carbon)),
        terms=tuple(_terms(largest)),
        evidence=tuple(evidence[:NAMED]),
        evidence_count=len(evidence),
        runs=tuple(runs[:NAMED]),
        runs_count=len(runs),
    )


def _terms(entry: Entry) -> Iterator[str]:
    for leaf in leaves_of(entry)[:8]:
        if leaf.term is not None:
            yield clean(
                f"{leaf.what}: {digits(leaf.term.power_w)} W x {digits(entry.duration_s)} s = "
                f"{energy_text(leaf.energy_j)}; {leaf.term.formula} [{leaf.term.source}]"
            )


def name_of_line(line: Line) -> str:
    return clean(f"{line.host or 'by hand'} {line.address}")


def sum_of(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
