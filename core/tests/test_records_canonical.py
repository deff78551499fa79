"""The canonical text is that of the plain encoder, whichever encoder makes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook import records

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_is_sorted_and_dense(value: Any) -> None:
    wanted = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    assert records.canonical(value) == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_ENCODE", None)  # where the interpreter brings no C encoder
        assert records.canonical(value) == wanted


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": {"b": float("-inf")}}])
def test_what_is_no_number_of_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.canonical(value)


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        records.canonical({"a": {1, 2}})
