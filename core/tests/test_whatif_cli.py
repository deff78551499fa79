"""``wattbook whatif`` on a real book: the list, one lever, what is tracked, and what later months say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from wattbook.accounting import Interval
from wattbook.cli import main
from wattbook.ledger import Ledger
from wattbook.ledger.notes import add_note, notes
from wattbook.records import Place
from wattbook.report.levers.follow import _verdict
from wattbook.testing.entries import a_run, an_entry

KWH = 3_600_000.0
SG = Place(site="hall", zone="SG", pue=1.5)
AUGUST, SEPTEMBER, OCTOBER = (datetime(2026, month, 5, tzinfo=UTC) for month in (8, 9, 10))


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Idle machines that were switched off after September, and training that moved nowhere."""
    (tmp_path / "wattbook.toml").write_text(
        '[report]\ntimezone = "Asia/Singapore"\n[whatif]\nprice_per_kwh = 0.3\ncurrency = "SGD"\n'
    )
    url = str(tmp_path / "book.db")
    monkeypatch.setenv("WATTBOOK_LEDGER", url)
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2026, 11, 3, tzinfo=UTC).timestamp())))
    with Ledger.open(url) as ledger:
        ledger.add(
            [
                an_entry(100 * KWH, start=SEPTEMBER, phase="idle", hours=500, error=0.02, place=SG, host="spare", project="ops"),
                an_entry(20 * KWH, start=OCTOBER, phase="idle", hours=500, error=0.02, place=SG, host="spare", project="ops"),
                *(
                    an_entry(50 * KWH, start=when, phase="train", hours=500, error=0.02, place=SG, address="gpu:0/board", run_id=f"t{when.month}")
                    for when in (SEPTEMBER, OCTOBER)
                ),
            ],
            [a_run(f"t{when.month}", start=when, hours=500) for when in (SEPTEMBER, OCTOBER)],
        )  # fmt: skip
    return url


def wattbook(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="wattbook")


def document(*arguments: str) -> Any:
    result = wattbook(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_list_is_ordered_by_gain_and_has_money(book: str) -> None:
    found = document("whatif", "--month", "2026-09")
    known = [one for one in found["levers"] if one["co2e_g"] is not None]
    assert [one["co2e_g"] for one in known] == sorted((one["co2e_g"] for one in known), reverse=True)
    idle = next(one for one in known if one["lever"] == "idle-off")
    assert idle["energy_j"] == pytest.approx(100 * KWH)
    assert (idle["money"], idle["currency"]) == (pytest.approx(45.0), "SGD")
    assert found["together"]["co2e_g"] < sum(one["co2e_g"] for one in known)
    text = wattbook("whatif", "--month", "2026-09").stdout
    assert "never added" in text
    assert "SGD" in text


def test_every_lever_answers_by_its_name(book: str) -> None:
    for words in (
        ("idle-off",),
        ("power-cap",),
        ("region", "fin"),
        ("hour",),
        ("ci",),
        ("early-stop",),
        ("laptop",),
        ("facility",),
    ):
        result = wattbook("whatif", *words, "--month", "2026-09")
        assert result.exit_code == 0, result.output
        assert "against it" in result.stdout
    assert "next to nothing" in wattbook("whatif", "hour", "--month", "2026-09").stdout


def test_a_project_has_its_own_levers(book: str) -> None:
    (idle,) = document("whatif", "idle-off", "--month", "2026-09", "--project", "ops")["levers"]
    assert idle["energy_j"] == pytest.approx(100 * KWH)
    (train,) = document("whatif", "region", "FI", "--month", "2026-09", "--project", "ops")["levers"]
    assert train["co2e_g"] is None
    assert train["unknown"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("idel-off",), 2, "did you mean 'idle-off'"),
        (("region",), 2, "needs a zone"),
        (("region", "Atlantis"), 2, "Atlantis"),
        (("chip", "T4"), 2, "--instead-of"),
        (("idle-off", "now"), 2, "too much"),
        (("track",), 2, "needs a lever"),
        (("track", "nothing"), 2, "no lever"),
        (("follow-ups", "ci"), 2, "takes no lever"),
        (("idle-off", "--part", "120"), 2, "0 to 100"),
        (("idle-off", "--part", "60..20"), 2, "20..40"),
        (("laptop", "--slower", "nan"), 2, "--slower"),
        (("--month", "2026-13"), 2, "no month 13"),
        (("track", "early-stop", "--month", "2026-09"), 1, "cannot be followed up"),
        (("track", "idle-off", "--from", "2026-09-01", "--to", "2026-09-09"), 1, "calendar month"),
    ],
)
def test_wrong_usage_is_a_sentence(book: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = CliRunner().invoke(_entry(), ["whatif", *arguments])
    assert result.exit_code == code, result.output
    assert said in result.output


def _entry() -> Any:
    import click
    from wattbook.cli import entry

    @click.command(context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def command(words: tuple[str, ...]) -> None:
        entry(list(words))

    return command


def test_an_empty_month_is_told_and_nothing_is_zero(book: str) -> None:
    found = document("whatif", "--month", "2025-01")
    assert found["together"] is None
    assert {one["co2e_g"] for one in found["levers"]} == {None}


def test_a_follow_up_is_confirmed_by_a_later_month_or_not(book: str) -> None:
    for words in (("idle-off", "--part", "70..80"), ("region", "FI")):
        assert wattbook("whatif", "track", *words, "--month", "2026-09").exit_code == 0
    idle, region = sorted(document("whatif", "follow-ups")["follow_ups"], key=lambda one: one["lever"])
    assert (idle["compared_with"], idle["verdict"]) == ("2026-10", "confirmed")
    assert idle["observed_g"] == pytest.approx(80 * 1.5 * 498.74, rel=1e-3)
    assert idle["observed_low_g"] < idle["observed_g"] < idle["observed_high_g"]
    assert idle["expected_low_g"] < idle["observed_g"]
    assert (region["verdict"], region["observed_g"]) == ("not confirmed", 0.0)


def test_before_a_later_month_is_over_nothing_is_known(book: str) -> None:
    assert wattbook("whatif", "track", "idle-off", "--month", "2026-10").exit_code == 0
    (one,) = document("whatif", "follow-ups")["follow_ups"]
    assert (one["verdict"], one["observed_g"], one["compared_with"]) == ("not yet known", None, None)


def test_what_is_no_longer_recorded_is_not_taken_for_saved(book: str) -> None:
    wattbook("whatif", "track", "idle-off", "--month", "2026-09")
    with Ledger.open(book) as ledger:
        ledger.add([an_entry(KWH, start=datetime(2026, 12, 5, tzinfo=UTC), phase="train", place=SG)])
    (one,) = document("whatif", "follow-ups", "--month", "2026-12")["follow_ups"]
    assert one["verdict"] == "not yet known"
    assert "cannot tell" in one["why"]


def test_tracking_twice_is_tracking_once(book: str) -> None:
    first = document("whatif", "track", "idle-off", "--month", "2026-09")
    again = document("whatif", "track", "idle-off", "--month", "2026-09")
    assert (first["new"], again["new"]) == (True, False)
    assert first["id"] == again["id"]


def test_what_is_tracked_enters_no_total(book: str) -> None:
    before = [wattbook("report", "--month", month, "--json").stdout for month in ("2026-09", "2026-10")]
    for lever in (("idle-off",), ("region", "FI"), ("power-cap",), ("facility", "hall")):
        result = wattbook("whatif", "track", *lever, "--month", "2026-09")
        assert result.exit_code == 0, result.output
    assert [wattbook("report", "--month", month, "--json").stdout for month in ("2026-09", "2026-10")] == before
    verified = wattbook("ledger", "verify")
    assert verified.exit_code == 0, verified.output


def test_a_note_is_never_changed(book: str) -> None:
    with Ledger.open(book) as ledger:
        add_note(ledger, "follow-up", {"a": 1})
        (note,) = notes(ledger, "follow-up")
        assert note.content == {"a": 1}
        assert notes(ledger, "other") == []


@pytest.mark.parametrize(
    ("expected", "observed", "verdict"),
    [
        ((10, 8, 12), (10, 9, 11), "confirmed"),
        ((10, 8, 12), (20, 19, 21), "confirmed"),
        ((10, 8, 12), (5, 4, 6), "not confirmed"),
        ((10, 8, 12), (-1, -3, 0), "not confirmed"),
        ((10, 8, 12), (5, -5, 15), "not yet known"),
    ],
)
def test_a_verdict_needs_more_than_the_figures_own_error(
    expected: tuple[float, ...], observed: tuple[float, ...], verdict: str
) -> None:
    assert _verdict(Interval(*expected), Interval(*observed))[0] == verdict


@pytest.mark.parametrize(
    "content",
    [
        {}, {"lever": "nothing"},
        {"lever": "ci", "argument": None, "month": "2026-09", "zone": "Nowhere/Else", "project": None, "expected_g": 1.0, "expected_low_g": None, "expected_high_g": None},
        {"lever": "ci", "argument": None, "month": "September", "zone": "UTC", "project": None, "expected_g": 1.0, "expected_low_g": None, "expected_high_g": None},
        {"lever": "ci", "argument": None, "month": "2026-09", "zone": "UTC", "project": None, "expected_g": "much", "expected_low_g": 1, "expected_high_g": 2},
        {"lever": "laptop", "argument": None, "month": "2026-09", "zone": "UTC", "project": None, "expected_g": 1.0, "expected_low_g": None, "expected_high_g": None, "options": {"slower": [3, 2, 1]}},
    ],
)  # fmt: skip
def test_a_note_of_another_hand_hides_no_other(book: str, content: dict[str, Any]) -> None:
    wattbook("whatif", "track", "idle-off", "--month", "2026-09")
    with Ledger.open(book) as ledger:
        add_note(ledger, "follow-up", content)
    found = document("whatif", "follow-ups")["follow_ups"]
    assert sorted(one["why"] == "this note cannot be read" for one in found) == [False, True]


CONFIG = """
[report]
timezone = "{zone}"
[whatif]
{price}
[[factors.hours]]
zone = "SG"
start = "2026-08-01T00:00:00Z"
end = "2026-12-01T00:00:00Z"
g_per_kwh = {grams}
source = "a test"
"""


def configured(url: str, *, grams: float, price: str = "", zone: str = "Asia/Singapore") -> None:
    (Path(url).parent / "wattbook.toml").write_text(CONFIG.format(zone=zone, price=price, grams=grams))


PRICE, DEARER = (f'price_per_kwh = {price}\ncurrency = "SGD"\n' for price in (0.3, 0.9))


def test_a_closed_month_is_thought_about_by_its_own_factors_and_prices(book: str) -> None:
    configured(book, grams=400, price=PRICE)
    assert wattbook("ledger", "close", "2026-09").exit_code == 0
    (before,) = document("whatif", "idle-off", "--month", "2026-09")["levers"]
    configured(book, grams=100, price=DEARER, zone="UTC")
    after = document("whatif", "idle-off", "--month", "2026-09")
    assert after["levers"] == [before]
    assert after["closed"]["at"].startswith("2026-11-03")
    assert "its figures, places and factors are those of then" in after["notes"][-1]
    said = wattbook("whatif", "idle-off", "--month", "2026-09").stdout
    assert "2026-09 was closed on 2026-11-03" in said
    october = document("whatif", "idle-off", "--month", "2026-10")
    assert october["closed"] is None
    assert october["levers"][0]["money"] == pytest.approx(20 * 1.5 * 0.9)


def test_prices_that_came_later_serve_a_closed_month_and_it_says_so(book: str) -> None:
    configured(book, grams=400)
    assert wattbook("ledger", "close", "2026-09").exit_code == 0
    configured(book, grams=400, price=PRICE)
    thought = document("whatif", "idle-off", "--month", "2026-09")
    assert thought["levers"][0]["money"] == pytest.approx(100 * 1.5 * 0.3)
    assert thought["notes"][-1].endswith("closed without prices and marginal factors, and those are of today")


def test_what_became_known_of_a_closed_month_is_not_thought_about(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wattbook("ledger", "close", "2026-09").exit_code == 0
    (before,) = document("whatif", "idle-off", "--month", "2026-09")["levers"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(datetime(2026, 11, 4, tzinfo=UTC).timestamp())))
    with Ledger.open(book) as ledger:
        ledger.add([an_entry(70 * KWH, start=SEPTEMBER, phase="idle", hours=400, place=SG, host="late")], [])
    assert document("whatif", "idle-off", "--month", "2026-09")["levers"] == [before]


def test_a_closed_month_is_followed_up_by_its_own_factors(book: str) -> None:
    configured(book, grams=400)
    assert wattbook("ledger", "close", "2026-09").exit_code == 0
    tracked = document("whatif", "track", "idle-off", "--month", "2026-09")
    assert tracked["closed"]["manifest_id"]
    configured(book, grams=100)
    told = document("whatif", "follow-ups", "--month", "2026-10")
    (one,) = told["follow_ups"]
    assert one["expected_g"] == pytest.approx(100 * 1.5 * 400)
    assert one["observed_g"] == pytest.approx(100 * 1.5 * 400 - 20 * 1.5 * 100)
    assert told["notes"][0].startswith("2026-09 was closed")
    assert "Closed months" in wattbook("whatif", "follow-ups", "--month", "2026-10").stdout
