"""Figures in sheets are written as the statements that they stand for, however they are spelled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.errors import ImportFailed
from wattbook.ledger.chains import chain_of
from wattbook.ledger.figures import Listed, Sheeted
from wattbook.model import Piece, Sheet

words = st.sampled_from(["", "ec2", "s3", 'a"b', "ü", "\\", "x\ny"])
raws = (
    st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=12).map(str)
    | st.floats(min_value=1e-20, max_value=1e9).map(repr)
    | st.sampled_from(["", "0", "0.0", "0.10", "10", "100", "1e3", "1E-7", "0.000001000", "+5", "007.50", "-0"])
)


@st.composite
def sheets(draw: Any) -> Sheet:
    places = draw(st.lists(st.tuples(words, words, words), min_size=1, max_size=6, unique=True))
    columns = [draw(st.lists(raws, min_size=len(places), max_size=len(places))) for _ in range(2)]
    if not any(columns[0] + columns[1]):
        columns[0][0] = "1"
    services, regions, resources = zip(*places, strict=True)
    return Sheet(
        provider="acme", account="a", month="2026-01", views=(("total", "location"), ("2", "market")), unit_raw="t",
        unit_kg=draw(st.sampled_from([Decimal(1000), Decimal(1), Decimal("0.001")])), version_key=(1,),
        pieces=lambda: iter([Piece(services, regions, resources, columns)]),
    )  # fmt: skip


@given(sheets())
def test_a_sheet_is_hashed_and_written_as_its_statements(sheet: Sheet) -> None:
    chain = chain_of(sheet)
    told, one_by_one = Sheeted([sheet]), Listed(sheet.statements())
    assert told.size == one_by_one.size
    assert told.content_id(chain) == one_by_one.content_id(chain)
    assert sorted(told.rows("c")) == sorted(one_by_one.rows("c"))


@pytest.mark.parametrize(
    "wrong", ["NaN", "sNaN", "Infinity", "-Infinity", "five", "1,5", "1e99999", "1e-99999", "1" * 40]
)
def test_what_is_no_number_is_named(wrong: str) -> None:
    sheet = Sheet(
        provider="acme", account="a", month="2026-01", views=(("total", "location"),), unit_raw="t",
        unit_kg=Decimal(1000), pieces=lambda: iter([Piece(["a", "b"], ["", ""], ["", ""], [["1.5", wrong]])]),
    )  # fmt: skip
    with pytest.raises(ImportFailed, match=f"'{wrong[:40]}' is no number of kilograms"):
        _ = Sheeted([sheet]).lines
