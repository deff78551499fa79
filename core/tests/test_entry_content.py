"""The quick way to an entry's hashed text is the plain way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.records import Entry, canonical

TEXT = st.text(max_size=12)
JOULES = st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False)
TERMS = st.lists(st.dictionaries(TEXT, JOULES | TEXT, max_size=3), max_size=2).map(tuple)


@given(
    st.builds(
        Entry,
        kind=st.sampled_from(["reading", "gap", "model"]) | TEXT,
        run_id=TEXT, start=TEXT, end=TEXT, host=TEXT, device=TEXT, domain=TEXT,
        basis=st.none() | TEXT, energy_j=JOULES, low_j=JOULES, high_j=JOULES,
        outermost=st.booleans(), reason=TEXT, terms=TERMS, supersedes=st.none() | TEXT,
    ),
    TEXT,
)  # fmt: skip
def test_the_content_of_an_entry_is_its_canonical_json(entry: Entry, context_id: str) -> None:
    assert entry.content(context_id) == canonical(entry.own(context_id))


@pytest.mark.parametrize("joules", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_know_is_refused(joules: float) -> None:
    entry = Entry(run_id="r", start="", end="", host="h", device="d", domain="p", basis="measured", energy_j=joules)
    with pytest.raises(ValueError, match="not a number that JSON knows"):
        entry.content("")
