"""A sheet is recorded as the statements that it stands for, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from wattbook import ImportFailed, Piece, Sheet, Statement
from wattbook.accounting import statement_totals
from wattbook.ledger.chains import Alternatives, Chain, chain_of
from wattbook.ledger.figures import Listed, Sheeted
from wattbook.ledger.store import Ledger
from wattbook.records import Snapshot

VIEWS = (("total", "location"), ("2", "market"), ("1", "unsplit"))
Cells = Sequence[tuple[str, str, str, str, str, str]]

digits = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,17})?|[1-9](\.[0-9]{1,17})?e-[0-2][1-9]", fullmatch=True)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
tables = st.lists(
    st.tuples(names, names, names, *[digits | st.just("")] * 3), min_size=1, max_size=12, unique_by=lambda row: row[:3]
).filter(lambda rows: any(any(row[3:]) for row in rows))


def a_sheet(cells: Cells, *, at_once: int = 3, month: str = "2026-09", version: int = 1) -> Sheet:
    def pieces() -> Iterator[Piece]:
        for start in range(0, len(cells), at_once):
            services, regions, resources, *figures = zip(*cells[start : start + at_once], strict=True)
            yield Piece(services, regions, resources, figures)

    return Sheet(
        provider="acme", account="1", month=month, views=VIEWS, unit_raw="t", unit_kg=Decimal(1000), pieces=pieces,
        model_version=f"v{version}", version_key=(version,), payer="9", interface="export",
    )  # fmt: skip


def a_snapshot(sha256: str = "5") -> Snapshot:
    return Snapshot(sha256=sha256, format="acme", plugin="csp", plugin_version="1", paths=("a.csv",))


@given(tables)
def test_a_sheet_and_its_statements_have_one_name_and_the_same_rows(cells: Cells) -> None:
    sheet = a_sheet(cells)
    told = list(sheet.statements())
    one, other = Sheeted([sheet]), Listed(told)
    name = other.content_id(chain_of(sheet))
    assert one.content_id(chain_of(sheet)) == name
    assert one.rows(name) == sorted(other.rows(name))
    assert (one.size, one.version_key, one.model_version) == (other.size, other.version_key, other.model_version)
    assert list(one.statements()) == told


@given(tables)
def test_a_sheet_and_its_statements_have_the_same_totals(cells: Cells) -> None:
    sheet = a_sheet(cells)
    assert statement_totals([sheet]) == statement_totals(sheet.statements())


def test_totals_keep_digits_that_the_usual_arithmetic_rounds() -> None:
    sheet = a_sheet([("a", "", "", "999999999", "", ""), ("b", "", "", "0.00000000000000000001", "", "")])
    (total,) = statement_totals([sheet]).values()
    assert total.location == Decimal("999999999000.00000000000000001")


def test_a_sheet_is_recorded_as_its_statements_are(tmp_path: Path) -> None:
    sheet = a_sheet([("EC2", "eu", "", "1.5", "0", ""), ("S3", "eu", "", "0.25", "", "0.125")])
    with Ledger.open(f"{tmp_path}/one.db") as one, Ledger.open(f"{tmp_path}/other.db") as other:
        added = one.add_statements([], a_snapshot(), sheets=[sheet])
        assert added == other.add_statements(sheet.statements(), a_snapshot())
        assert (added.new, added.known) == (4, 0)
        assert one.statements() == other.statements()
        assert one.add_statements(sheet.statements(), a_snapshot()).known == 4
        assert other.add_statements([], a_snapshot(), sheets=[sheet]).known == 4


def test_a_silent_restatement_in_a_sheet_is_said(tmp_path: Path) -> None:
    with Ledger.open(f"{tmp_path}/book.db") as book:
        book.add_statements([], a_snapshot(), sheets=[a_sheet([("EC2", "eu", "", "1.5", "", "")])])
        added = book.add_statements([], a_snapshot("6"), sheets=[a_sheet([("EC2", "eu", "", "1.6", "", "")])])
        assert (added.new, added.superseded) == (1, 1)
        assert any("silent restatement" in warning for warning in added.warnings)
        assert [s.co2e_kg for s in book.statements()] == [Decimal(1600)]


def test_an_older_version_in_a_sheet_is_refused(tmp_path: Path) -> None:
    with Ledger.open(f"{tmp_path}/book.db") as book:
        book.add_statements([], a_snapshot(), sheets=[a_sheet([("EC2", "eu", "", "1.5", "", "")], version=2)])
        with pytest.raises(ImportFailed, match="which is newer"):
            book.add_statements([], a_snapshot("6"), sheets=[a_sheet([("EC2", "eu", "", "1.6", "", "")])])
        assert [s.co2e_kg for s in book.statements()] == [Decimal(1500)]


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "much", "1,5"])
def test_what_is_no_number_in_a_sheet_leaves_the_book_as_it_was(tmp_path: Path, wrong: str) -> None:
    good, bad = a_sheet([("EC2", "eu", "", "1", "", "")]), a_sheet([("EC2", "eu", "", wrong, "", "")], month="2026-10")
    with Ledger.open(f"{tmp_path}/book.db") as book:
        with pytest.raises(ImportFailed, match="is no number of kilograms"):
            book.add_statements([], a_snapshot(), sheets=[good, bad])
        assert book.statements() == []


def test_two_sheets_that_tell_a_figure_differently_are_refused(tmp_path: Path) -> None:
    some = [a_sheet([("EC2", "eu", "", kg, "", "")]) for kg in ("1", "2")]
    with Ledger.open(f"{tmp_path}/book.db") as book, pytest.raises(ImportFailed, match="twice with different values"):
        book.add_statements([], a_snapshot(), sheets=some)


def test_a_sheet_beside_a_statement_of_its_month_is_one_whole(tmp_path: Path) -> None:
    sheet = a_sheet([("EC2", "eu", "", "1", "", "")])
    beside = evolve(next(sheet.statements()), service="S3")
    with Ledger.open(f"{tmp_path}/book.db") as book:
        assert book.add_statements([beside], a_snapshot(), sheets=[sheet]).new == 2
        assert {s.service for s in book.statements()} == {"EC2", "S3"}


chains = st.builds(
    Chain, provider=st.sampled_from("pq"), interface=st.sampled_from("xy"),
    account=st.sampled_from(["", "unspecified", "1", "2", "3"]), payer=st.sampled_from(["", "1", "2"]),
    month=st.sampled_from(["2026", "2026-01", "2026-02"]),
)  # fmt: skip


@given(st.lists(chains), chains)
def test_alternatives_are_found_without_a_look_at_all_chains(some: list[Chain], one: Chain) -> None:
    assert Alternatives(some).of(one) == sorted({other for other in some if one.alternative(other)})


def test_statements_made_of_a_sheet_are_statements() -> None:
    (told,) = a_sheet([("EC2", "eu", "i-1", "", "0.5", "")]).statements()
    assert told == Statement(
        provider="acme", account="1", month="2026-09", service="EC2", region="eu", resource="i-1", scope="2",
        method="market", co2e_kg=Decimal(500), value_raw="0.5", unit_raw="t", model_version="v1", version_key=(1,),
        payer="9", interface="export",
    )  # fmt: skip
