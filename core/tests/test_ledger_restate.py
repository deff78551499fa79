"""The rules of restatement as properties: whatever is imported, in whatever order, counts once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.errors import ImportFailed
from wattbook.ledger.chains import ACTIVE, Chain, Revision, later, plain
from wattbook.ledger.restate import plan
from wattbook.model import Statement
from wattbook.testing.ledger import a_statement

MONTHS = st.sampled_from(["2026-01", "2026-02", "2026"])
STATEMENTS = st.builds(
    lambda kg, version, **said: a_statement(str(kg), version=version, **said),
    kg=st.integers(0, 3),
    version=st.integers(1, 3),
    month=MONTHS,
    account=st.sampled_from(["a", "b"]),
    payer=st.sampled_from(["", "a"]),
    interface=st.sampled_from(["export", "console"]),
    service=st.sampled_from(["compute", "disk"]),
    method=st.sampled_from(["location", "market"]),
    completeness=st.sampled_from(["complete", "partial"]),
)
SNAPSHOTS = st.lists(STATEMENTS, min_size=1, max_size=6)


class Book:
    """A book in memory: the chains and nothing else."""

    def __init__(self) -> None:
        self.chains: dict[Chain, list[Revision]] = {}

    def take(self, statements: list[Statement], *, force: bool = False) -> bool:
        try:
            todo = plan(statements, self.chains, lambda revision: revision.statements, force=force)
        except ImportFailed:
            return False
        for revision in todo.revisions:
            self.chains.setdefault(revision.chain, []).append(revision)
        return True

    def counted(self) -> list[Revision]:
        return [revs[-1] for _, revs in sorted(self.chains.items()) if revs[-1].standing == ACTIVE]


@given(st.lists(st.tuples(SNAPSHOTS, st.booleans()), max_size=6))
def test_no_emission_is_ever_counted_twice(snapshots: list[tuple[list[Statement], bool]]) -> None:
    book = Book()
    for statements, force in snapshots:
        book.take(statements, force=force)
    counted = [revision.chain for revision in book.counted()]
    assert not [(a, b) for a in counted for b in counted if a.alternative(b)]
    for revision in book.counted():
        keys = [statement.key for statement in revision.statements]
        assert len(keys) == len(set(keys))


@given(st.lists(SNAPSHOTS, max_size=4), SNAPSHOTS)
def test_taking_a_snapshot_again_changes_nothing(before: list[list[Statement]], snapshot: list[Statement]) -> None:
    book = Book()
    for statements in before:
        book.take(statements)
    if book.take(snapshot):
        counted = book.counted()
        assert book.take(snapshot)
        assert book.counted() == counted


@given(SNAPSHOTS, st.randoms())
def test_the_order_of_rows_does_not_matter(snapshot: list[Statement], random: object) -> None:
    one, other = Book(), Book()
    shuffled = list(snapshot)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert one.take(snapshot) == other.take(shuffled)
    figures = [{(s.key, s.co2e_kg) for r in book.counted() for s in r.statements} for book in (one, other)]
    assert figures[0] == figures[1]


@given(st.permutations([1, 2, 3, 4]))
def test_any_order_of_versions_ends_with_the_newest(order: list[int]) -> None:
    book = Book()
    for version in order:
        book.take([a_statement(str(version), version=version)])
    assert [s.model_version for r in book.counted() for s in r.statements] == ["v4"]


@given(st.lists(st.tuples(SNAPSHOTS, st.booleans()), max_size=5))
def test_revisions_only_ever_grow(snapshots: list[tuple[list[Statement], bool]]) -> None:
    book = Book()
    for statements, force in snapshots:
        before = {chain: list(revisions) for chain, revisions in book.chains.items()}
        book.take(statements, force=force)
        for chain, revisions in before.items():
            assert book.chains[chain][: len(revisions)] == revisions
    for revisions in book.chains.values():
        assert [revision.revision for revision in revisions] == list(range(1, len(revisions) + 1))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_a_decimal_is_written_without_losing_a_digit(number: Decimal) -> None:
    assert Decimal(plain(number)) == number
    assert "E" not in plain(number)
    assert plain(number) == plain(Decimal(f"{number:f}0"))


@given(st.lists(st.lists(st.one_of(st.integers(), st.text(max_size=3)), max_size=4).map(tuple), max_size=6))
def test_versions_of_any_shape_can_be_ordered(versions: list[tuple[int | str, ...]]) -> None:
    for one in versions:
        for other in versions:
            assert (later(one) < later(other)) + (later(one) > later(other)) == (one != other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"month": "2026-13"},
        {"month": "May"},
        {"scope": "4"},
        {"method": "residual"},
        {"kg": "NaN"},
        {"kg": "Infinity"},
        {"kg": "1e999999"},
        {"kg": "1e-999999"},
    ],
)
def test_what_no_plugin_should_yield_is_refused(wrong: dict[str, str]) -> None:
    kg = wrong.pop("kg", "1")
    with pytest.raises(ImportFailed):
        plan([a_statement(kg, **wrong)], {}, lambda revision: ())


def test_figures_of_nobody_knows_whom_stand_beside_those_of_somebody() -> None:
    book = Book()
    book.take([a_statement("1")])
    book.take([a_statement("7", account="unspecified", month="2026", interface="console")])
    assert [s.co2e_kg for r in book.counted() for s in r.statements] == [1]
