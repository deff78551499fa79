"""What all fetchers share: waiting, missing libraries, and months that are not out yet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import wattbook_csp
from wattbook import Fetcher, ImportSource, Unavailable, Wanted
from wattbook_csp.fetch import fetchers, patience
from wattbook_csp.fetch.published import after, nothing_there

MODULES = {"aws": "boto3", "gcp": "google.cloud.bigquery", "azure": "azure.identity"}


@pytest.mark.parametrize("name", MODULES)
def test_without_its_library_a_fetcher_says_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(module: str) -> object:
        raise ImportError(f"No module named {module!r}")

    monkeypatch.setattr(patience, "import_module", missing)
    (fetcher,) = [one for one in fetchers() if one.name == name]
    with pytest.raises(Unavailable, match="is not installed") as refused:
        fetcher.fetch(Wanted(month="2026-01", account="a", options={"dataset": "a.b"}), tmp_path)
    assert refused.value.remedy == f"pip install 'wattbook-csp[{name}]'"


def test_the_plugin_offers_its_fetchers_beside_its_importers() -> None:
    offers = list(wattbook_csp.import_provided(source=ImportSource(), config=None))
    assert sorted(one.name for one in offers if isinstance(one, Fetcher)) == sorted(MODULES)


def test_an_error_that_does_not_pass_is_let_through_at_once() -> None:
    pytest.importorskip("stamina")
    asked = []

    def ask() -> None:
        asked.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        patience.patiently(ask, lambda error: False)
    assert len(asked) == 1


def test_a_year_ends_after_december() -> None:
    assert after("2025-12") == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("today", "sentence"),
    [
        (date(2026, 10, 3), "AWS has not published 2026-09 yet: it comes by 2026-10-21; nothing is recorded"),
        (date(2026, 10, 21), "AWS has not published 2026-09 yet: it comes by 2026-10-21; nothing is recorded"),
        (date(2026, 10, 22), "AWS states nothing of 2026-09, which was due on 2026-10-21; nothing is recorded"),
    ],
)
def test_a_month_that_is_not_out_yet_is_told_apart_from_one_without_figures(today: date, sentence: str) -> None:
    assert str(nothing_there("AWS", "2026-09", 21, today=today)) == sentence
