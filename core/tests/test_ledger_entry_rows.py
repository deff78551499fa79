"""Entries that are named by the thousand are called what one entry by itself is called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.errors import NoRecord
from wattbook.ledger import entry_rows
from wattbook.records import Entry, Labels, Place, canonical, text_id
from wattbook.testing.ledger import an_entry

joules = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@st.composite
def entries(draw: Any) -> Entry:
    said: dict[str, Any] = {
        "host": draw(words), "run_id": draw(words), "device": draw(words), "domain": draw(words),
        "kind": draw(st.sampled_from(["reading", "model", "gap", "withdrawn"])),
        "basis": draw(st.sampled_from(["measured", "estimated", "provided"])),
        "energy_j": draw(joules), "low_j": draw(st.none() | joules), "high_j": draw(st.none() | joules),
        "outermost": draw(st.booleans()), "reason": draw(st.just("") | words),
        "terms": draw(st.sampled_from([(), ({"what": "idle", "power_w": 3},)])),
        "supersedes": draw(st.none() | words),
        "labels": Labels(project=draw(st.none() | words), tags=draw(st.dictionaries(words, words, max_size=2))),
        "place": Place(zone=draw(st.none() | words)),
    }  # fmt: skip
    return an_entry(draw(st.integers(0, 99)), **said)


@given(st.lists(entries(), max_size=5))
def test_an_id_is_the_hash_of_the_canonical_content(told: list[Entry]) -> None:
    found = entry_rows.named(told)
    assert found.told == len(told)
    assert set(found.entries) == {text_id(canonical(e.own(e.context_id))) for e in told}
    assert all(context == entry.context_id for context, _, entry in found.entries.values())
    assert set(found.contexts) == {e.context_id for e in told}


@given(entries())
def test_an_id_is_that_of_the_entry_by_itself(entry: Entry) -> None:
    assert entry_rows.ids_of(entry)[:2] == (entry.entry_id, entry.context_id)
    assert entry_rows.stored_id(entry) == entry.entry_id


@pytest.mark.parametrize(
    "said",
    [
        {"energy_j": float("nan")}, {"energy_j": -1.0}, {"low_j": float("inf")}, {"high_j": float("nan")},
        {"energy_j": None}, {"basis": "guessed"}, {"basis": None}, {"start": "yesterday"},
        {"start": "2027-01-01T00:00:00.000000Z"}, {"end": "２０２７-01-01T00:00:00.000000Z"}, {"host": "a\0b"},
        {"run_id": "\0"}, {"device": "\ud800"}, {"domain": "x\0"},
    ],
)  # fmt: skip
def test_what_has_no_place_in_a_book_is_refused_among_many(said: dict[str, Any]) -> None:
    with pytest.raises(NoRecord):
        entry_rows.named([an_entry(1), an_entry(2), an_entry(**said)])


def test_a_backslash_in_a_name_is_no_nul() -> None:
    entry = an_entry(host="a\\u0000b")
    assert entry_rows.ids_of(entry)[0] == entry.entry_id


def test_more_contexts_than_are_remembered_are_still_named_rightly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_rows, "_MAX_FRAMES", 3)
    told = [an_entry(device=f"cpu:{n % 7}", cause=f"c{n % 5}") for n in range(50)]
    assert set(entry_rows.named(told).entries) == {e.entry_id for e in told}
