"""Derivations and lists of the page as plain text and numbers, each of them bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from attrs import frozen

from wattbook.accounting import Total
from wattbook.report.derivation import LISTED, Addend, Cause, Derivation, Derived, Origin, Provided
from wattbook.report.lines import LETTERS, short
from wattbook.report.model import Report
from wattbook.report.numbers import carbon_text, digits, energy_text, share_text


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


@frozen(kw_only=True)
class Part:
    """One addend of a derivation, an origin's or a provider's."""

    name: str
    letter: str = ""
    anchor: str | None = None
    count: str = ""
    energy: str = ""
    joules: float | None = None
    carbon: str = ""
    grams: float | None = None
    share: str = ""
    others: str = ""
    model: str = ""
    evidence: tuple[str, ...] = ()


@frozen(kw_only=True)
class Made:
    """How one figure is made."""

    anchor: str
    title: str
    figures: str
    words: tuple[str, ...]
    addends: tuple[Part, ...]
    provided: tuple[Part, ...]
    causes: tuple[str, ...]


@frozen(kw_only=True)
class Source:
    """One origin as the page shows it."""

    anchor: str
    letter: str
    name: str
    source: str
    method: str
    count: str
    hours: str
    start: str
    end: str
    energy: str
    formula: str
    terms: tuple[str, ...]
    evidence: tuple[str, ...]
    more_evidence: int
    runs: tuple[str, ...]
    more_runs: int


@frozen(kw_only=True)
class Version:
    """A plugin's source, its version, and what comes from it."""

    name: str
    version: str
    basis: str
    count: str
    energy: str


def made_of(derived: Derived) -> Iterator[Made]:
    for one in derived.figures.values():
        yield _made(one)


def _made(one: Derivation) -> Made:
    return Made(
        anchor=one.anchor,
        title=short(one.title),
        figures="" if one.total is None else _figures(one.total),
        words=tuple(short(word, 600) for word in one.words),
        addends=tuple(_addend(part) for part in one.addends),
        provided=tuple(_provided(part) for part in one.provided),
        causes=tuple(
            f"Errors of {what} by cause: {'; '.join(_cause(cause, text) for cause in causes)}"
            for what, causes, text in (
                ("energy", one.energy_causes, energy_text),
                ("carbon", one.carbon_causes, carbon_text),
            )
            if causes
        ),
    )


def _figures(total: Total) -> str:
    told = [
        f"energy {energy_text(total.energy)}",
        f"location-based {carbon_text(total.location_g)}",
        f"market-based {carbon_text(total.market_g)}",
    ]
    if total.unsplit_g is not None:
        told.append(f"of unstated method {carbon_text(total.unsplit_g)}")
    if total.without_interval:
        told.append(f"{counted(total.without_interval, 'figure', 'figures')} of unknown error")
    return "; ".join(told)


def _addend(part: Addend) -> Part:
    total = part.total
    return Part(
        anchor=part.anchor,
        name=short(part.name),
        letter=" ".join(LETTERS.get(basis, "") for basis in part.basis.split()),
        count=counted(part.count, "reading", "readings"),
        energy=energy_text(total.energy),
        joules=total.energy.value if total.energy else 0.0,
        carbon=carbon_text(total.location_g),
        grams=total.location_g.value if total.location_g else None,
    )


def _provided(part: Provided) -> Part:
    others = f"market-based {carbon_text(part.market_g)}"
    if part.unsplit_g is not None:
        others += f", of unstated method {carbon_text(part.unsplit_g)}"
    return Part(
        name=short(f"{part.account} {part.month}"),
        carbon=carbon_text(part.location_g),
        grams=part.location_g,
        share="" if part.share == 1 else share_text(part.share),
        others=others,
        model=short(part.model),
        evidence=part.evidence,
    )


def _cause(cause: Cause, text: object) -> str:
    assert callable(text)
    return f"{short(cause.cause, 80)} -{text(cause.down)} +{text(cause.up)}"


def origins_of(derived: Derived) -> Iterator[Source]:
    for one in derived.origins:
        yield _origin(one)


def _origin(one: Origin) -> Source:
    return Source(
        anchor=one.anchor, letter=LETTERS.get(one.basis, ""), name=short(one.name), source=short(one.source),
        method=short(one.method, 300), count=counted(one.count, "reading", "readings"), hours=f"{digits(one.hours)} h",
        start=one.start[:16].replace("T", " "), end=one.end[:16].replace("T", " "),
        energy=energy_text(one.total.energy), formula=short(one.formula, 300),
        terms=tuple(short(term, 400) for term in one.terms),
        evidence=one.evidence, more_evidence=one.evidence_count - len(one.evidence),
        runs=tuple(short(run, 80) for run in one.runs), more_runs=one.runs_count - len(one.runs),
    )  # fmt: skip


def versions_of(report: Report) -> Iterator[Version]:
    """Where the figures come from, own sources by energy and then the providers' models."""
    groups: dict[tuple[str, str, str], tuple[list[float], list[int]]] = defaultdict(lambda: ([], []))
    for atom in report.atoms:
        line = atom.line
        joules, counts = groups[f"{line.plugin}:{line.source}", line.version, line.basis]
        joules.append(atom.tally.energy.value)
        counts.append(atom.count)
    for (name, version, basis), (joules, counts) in sorted(
        groups.items(), key=lambda item: (-sum(item[1][0]), item[0])
    ):
        yield Version(
            name=short(name), version=short(version) or "not named", basis=LETTERS.get(basis, ""),
            count=str(sum(counts)), energy=energy_text(sum(joules)),
        )  # fmt: skip
    for one in report.stated:
        yield Version(
            name=short(f"{one.provider}/{one.account} {one.month} {one.interface}"),
            version=short(one.model_version) or "not named", basis="P", count=str(one.figures), energy="unknown",
        )  # fmt: skip


def bounded(lines: Iterable[str]) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    told = [short(line, 400) for line in lines]
    if len(told) <= LISTED:
        return tuple(told)
    return (*told[:LISTED], f"{len(told) - LISTED} more notes are in the formats table and json")
