"""How every figure of a report came about: its addends by origin, what providers state, the errors by cause."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from attrs import define, field

from wattbook.accounting.carbon import factor_of
from wattbook.explaining.origins import NAMED, Pools, name_of_line, origin_of, pools_of, sum_of
from wattbook.explaining.wording import in_words
from wattbook.report import Report
from wattbook.report.atoms import Atom, Line
from wattbook.report.derivation import LISTED, Addend, Cause, Derivation, Derived, Provided
from wattbook.report.lines import clean, name_of
from wattbook.report.model import Share
from wattbook.report.numbers import carbon_text, digits
from wattbook.report.sums import BASES, behind, folded, largest_claims, undivided
from wattbook.units import G_PER_KG

ADDENDS = 6  #: that one derivation names; the smaller ones are one line
ORIGINS = 250  #: that a page describes
CAUSES = 5


def derive(report: Report, most_rows: int) -> Derived:
    """The derivations of a report whose dimensions show *most_rows* rows each."""
    making = _Making(report)
    for one in _all(making, report, most_rows):
        making.figures[one.anchor] = one
    return Derived(
        figures=making.figures,
        origins=tuple(origin_of(anchor, line, making.everything[line]) for line, anchor in making.anchors.items()),
        anchors=making.anchors,
    )


@define
class _Making:
    """What is collected while derivations are made: the lines they name, numbered as they appear."""

    report: Report
    figures: dict[str, Derivation] = field(factory=dict)
    anchors: dict[Line, str] = field(factory=dict)
    ours: Pools = field(factory=dict)  #: the total
    everything: Pools = field(factory=dict)  #: ours, and what lies inside provided figures

    def __attrs_post_init__(self) -> None:
        self.ours = pools_of(self.report.atoms)
        within = list(chain.from_iterable(self.report.contained))
        self.everything = pools_of([*self.report.atoms, *within]) if within else self.ours

    def figure(
        self, anchor: str, title: str, pools: Pools, shares: Sequence[Share] = (), words: Sequence[str] = ()
    ) -> Derivation:
        tally = sum_of(pool.tally for pool in pools.values())
        for one in shares:
            tally.add_provided(one.figures, one.share)
        return Derivation(
            anchor=anchor,
            title=title,
            total=tally.total(),
            words=tuple(words),
            addends=tuple(self._addends(pools)),
            provided=tuple(provided_of(self.report, _largest(shares))),
            energy_causes=_causes(tally.energy.by_cause()),
            carbon_causes=_causes(tally.location_sum().by_cause()),
        )

    def _addends(self, pools: Pools) -> Iterator[Addend]:
        size = {line: pool.tally.energy.value for line, pool in pools.items()}
        order = sorted(pools, key=lambda line: (-size[line], line.host, line.device, line.domain, line.source))
        named = [line for line in order[:ADDENDS] if line in self.anchors or len(self.anchors) < ORIGINS]
        for line in named:
            yield Addend(
                anchor=self.anchors.setdefault(line, f"o{len(self.anchors) + 1}"),
                name=name_of_line(line),
                basis=line.basis,
                count=pools[line].count,
                total=pools[line].tally.total(),
            )
        rest = [line for line in order if line not in set(named)]
        if rest:
            yield Addend(
                anchor=None,
                name=f"{len(rest)} smaller {'origin' if len(rest) == 1 else 'origins'}",
                basis=" ".join(basis for basis in BASES if any(line.basis == basis for line in rest)),
                count=sum(pools[line].count for line in rest),
                total=sum_of(pools[line].tally for line in rest).total(),
            )


def _largest(shares: Sequence[Share]) -> list[Share]:
    return heapq.nlargest(ADDENDS * 2, shares, key=lambda s: float(s.figures.location or 0) * s.share)


def provided_of(report: Report, shares: Iterable[Share]) -> Iterator[Provided]:
    """What providers' figures, or parts of them, add, with where they are from."""
    stated = {(s.provider, s.account, s.month): s for s in report.stated}
    for one in shares:
        claim = one.claim
        source = stated.get((claim.provider, claim.account, claim.month))
        grams = [
            None if kg is None else float(kg * G_PER_KG) * one.share
            for kg in (one.figures.location, one.figures.market, one.figures.unsplit)
        ]
        yield Provided(
            account=clean(f"{claim.provider}/{claim.account}"),
            month=claim.month,
            share=one.share,
            location_g=grams[0],
            market_g=grams[1],
            unsplit_g=grams[2],
            model=clean(f"{source.interface} {source.model_version}".strip()) if source else "",
            evidence=source.evidence[:NAMED] if source else (),
        )


def _all(making: _Making, report: Report, most_rows: int) -> Iterator[Derivation]:
    whole, ours = undivided(report.claims), making.ours
    yield making.figure("f-total", "The total", ours, whole)
    for basis in BASES:
        pools = {line: pool for line, pool in ours.items() if line.basis == basis}
        if pools or (basis == "provided" and whole):
            yield making.figure(f"f-{basis}", f"Total, {basis}", pools, whole if basis == "provided" else ())
    for number, dim in enumerate(report.by):
        yield from _rows(making, report, number, dim, most_rows)
    yield from _claims(making, report)
    for number, use in enumerate(report.scopes):
        pools = {} if use.provided else {line: pool for line, pool in ours.items() if line.place.site in use.sites}
        yield making.figure(f"f-scope-{number}", f"Scope {use.scope}: {use.what}", pools, whole if use.provided else ())
    for number, run in enumerate(report.top_runs):
        words = (f"'wattbook explain {clean(run.run_id)}' prints the whole arithmetic of this run.",)
        yield making.figure(f"f-run-{number}", f"Run {clean(run.run_id)}", pools_of(run.atoms), (), words)
    yield from in_words(report)
    by_factor = {line: factor_of(line.place, line.year) for line in making.everything}
    for number, used in enumerate(report.factors[:LISTED]):
        factor = used.factor
        pools = {line: pool for line, pool in making.everything.items() if by_factor[line] == factor}
        told = (f"{factor.id}: {factor.g_per_kwh:g} g/kWh, 90 % interval {digits(factor.low_g_per_kwh)} to "
                 f"{digits(factor.high_g_per_kwh)}; {factor.signal}, {factor.cycle}; {factor.source}", *used.notes)  # fmt: skip
        yield making.figure(f"f-factor-{number}", f"Grid factor {factor.id}", pools, (), told)


def _rows(making: _Making, report: Report, number: int, dim: str, most_rows: int) -> Iterator[Derivation]:
    """Of one dimension; what belongs to which key is looked up once for all its rows."""
    atoms: dict[str | None, list[Atom]] = defaultdict(list)
    for atom in report.atoms:
        atoms[atom.keys[number]].append(atom)
    for place, row in enumerate(report.by[dim][:most_rows]):
        some = atoms[row.key]
        pools = making.ours if len(some) == len(report.atoms) else pools_of(some)
        shares = report.provided[dim].get(row.key, ())
        yield making.figure(f"f-{number}-{place}", f"{clean(dim)} {name_of(row)}", pools, shares)
    rest = folded(report, dim, most_rows)[1]
    if rest is not None:
        small, parts = behind(report, dim, {row.key for row in report.by[dim][most_rows:]})
        yield making.figure(f"f-{number}-rest", f"{clean(dim)}, {rest.key}", pools_of(small), parts)


def _claims(making: _Making, report: Report) -> Iterator[Derivation]:
    for number, one in largest_claims(report, LISTED):
        name = clean(f"{one.provider}/{one.account} {one.month}")
        inside = pools_of(report.contained[number])
        stated = one.provided.location
        words = [
            f"{name} states {carbon_text(None if stated is None else float(stated * G_PER_KG))} location-based.",
            "Below are our own figures of the hosts that the account claims. They lie inside what it states and are "
            "not added to it; they say whose part of it is whose.",
        ]
        if one.unallocated_g is not None:
            words.append(
                f"Unallocated is what it states less what we know: {carbon_text(float(stated * G_PER_KG) if stated else 0.0)}"
                f" - {carbon_text(one.of_which.location_g.value if one.of_which.location_g else 0.0)}"
                f" = {carbon_text(one.unallocated_g)}."
            )
        yield making.figure(f"f-claim-{number}", f"Of which ours, in {name}", inside, (), words)


def _causes(causes: dict[str, tuple[float, float]]) -> tuple[Cause, ...]:
    return tuple(Cause(cause=clean(cause), down=down, up=up) for cause, (down, up) in list(causes.items())[:CAUSES])
