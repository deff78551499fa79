"""Factors by the hour meet the entries of their hours, and nothing else enters the inventory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from wattbook.accounting.carbon import carbon_of
from wattbook.accounting.hours import by_hour
from wattbook.accounting.split import split
from wattbook.accounting.totals import total
from wattbook.cli import main
from wattbook.config import Config, Factors, HourFactor
from wattbook.errors import ConfigError
from wattbook.factors.hours import Hours, read, with_hours
from wattbook.ledger.store import Ledger
from wattbook.records import Place, utc_text
from wattbook.testing.entries import SINGAPORE, an_entry
from wattbook.testing.ledger import a_run

DAY = datetime(2026, 10, 1, tzinfo=UTC)
HEAD = "zone,start,end,g_per_kwh,signal,method,source\n"


def hour(number: int, grams: float, **said: Any) -> HourFactor:
    start = DAY + timedelta(hours=number)
    facts: dict[str, Any] = {"zone": "SG", "source": "grid", "start": utc_text(start)}
    return HourFactor(g_per_kwh=grams, **{**facts, "end": utc_text(start + timedelta(hours=1)), **said})


def grams(entry: Any, hours: Iterable[HourFactor]) -> float:
    (timed,) = by_hour([entry], tuple(hours))
    location = carbon_of(timed).location
    assert location is not None
    return location.value


def test_an_hour_meets_its_own_factor() -> None:
    table = [hour(0, 100), hour(1, 500)]
    assert grams(an_entry(start=DAY), table) == pytest.approx(100)
    assert grams(an_entry(start=DAY + timedelta(hours=1)), table) == pytest.approx(500)


def test_an_entry_over_several_hours_is_split_by_time() -> None:
    entry = an_entry(start=DAY + timedelta(minutes=30), hours=2)
    assert grams(entry, [hour(0, 100), hour(1, 500), hour(2, 300)]) == pytest.approx((50 + 500 + 150) / 2)


def test_what_the_table_does_not_know_counts_with_the_yearly_factor() -> None:
    usual = carbon_of(an_entry(start=DAY)).location
    assert usual is not None
    assert grams(an_entry(start=DAY), [hour(5, 1)]) == usual.value
    assert grams(an_entry(start=DAY, hours=2), [hour(0, 100)]) == pytest.approx((100 + usual.value) / 2)


@pytest.mark.parametrize(
    "place", [Place(zone="DE"), Place(), Place(zone="SG", intensity_g_per_kwh=7.0, intensity_source="x")]
)
def test_other_zones_and_intensities_of_ones_own_are_left_alone(place: Place) -> None:
    entry = an_entry(start=DAY, place=place)
    assert list(by_hour([entry], (hour(0, 100),))) == [entry]


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=6), st.integers(0, 300), st.integers(1, 400), st.integers(1, 399),
)  # fmt: skip
def test_cutting_an_entry_anywhere_changes_no_gram(values: list[float], start: int, minutes: int, cut: int) -> None:
    table = tuple(hour(number, value) for number, value in enumerate(values))
    entry = an_entry(start=DAY + timedelta(minutes=start), hours=minutes / 60)
    parts = [part for part in split(entry, DAY + timedelta(minutes=start + cut)) if part is not None]
    whole, pieces = (total(by_hour(some, table)).location_g for some in ([entry], parts))
    assert whole is not None
    assert pieces is not None
    assert pieces.value == pytest.approx(whole.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"signal": "marginal"}, "never enters the inventory.*whatif.marginal"),
        ({"signal": "residual"}, "never enters the inventory"),
        ({"method": "market"}, "belongs to an instrument"),
        ({"g_per_kwh": -1.0}, "between 0 and"),
        ({"g_per_kwh": float("nan")}, "between 0 and"),
        ({"source": " "}, "needs its source"),
        ({"start": "2026-10-01T00:00"}, "no time with a zone"),
        ({"end": "2026-09-30T00:00Z"}, "before it starts"),
    ],
)
def test_what_does_not_belong_in_the_inventory_is_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Hours([hour(0, 1)._replace(**said)])


def test_two_factors_for_one_moment_are_refused() -> None:
    with pytest.raises(ConfigError, match="two factors of SG"):
        Hours([hour(0, 100), hour(0, 200)])


def test_the_version_is_what_the_table_says() -> None:
    assert Hours([hour(0, 1), hour(1, 2)]).version == Hours([hour(1, 2), hour(0, 1)]).version
    assert Hours([hour(0, 1)]).version != Hours([hour(0, 1.5)]).version


def test_a_file_is_read_and_its_mistakes_have_a_place(tmp_path: Path) -> None:
    path = tmp_path / "sg.csv"
    path.write_text(HEAD + "SGP,2026-10-01T08:00+08:00,2026-10-01T09:00+08:00,412.5,average,location,EMA\n")
    (row,) = read(path)
    assert (row.zone, row.start, row.g_per_kwh) == ("SG", "2026-10-01T00:00:00.000000Z", 412.5)
    path.write_text(HEAD + "SG,2026-10-01T08:00+08:00,2026-10-01T09:00+08:00,much,average,location,EMA \n")
    with pytest.raises(ConfigError, match=r"sg\.csv:2: 'much'"):
        read(path)
    path.write_text("zone,g\nSG,1\n")
    with pytest.raises(ConfigError, match="lacks the column 'start'"):
        read(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        with_hours(Config(factors=Factors(files=(str(tmp_path / "none.csv"),))))


# --- in the book ----------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A book with an hour that crosses into November, October's factors, and the configuration."""
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "book.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    end = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    with Ledger.open() as book:
        book.add(
            [an_entry(start=DAY), an_entry(start=end, run_id="edge")],
            [
                a_run("run-1", start=utc_text(DAY)),
                a_run("edge", start=utc_text(end), end=utc_text(end + timedelta(hours=1))),
            ],
        )
    write_factors(tmp_path, 100)
    (tmp_path / "c.toml").write_text(f'[factors]\nfiles = ["{tmp_path / "sg.csv"}"]\n[report]\ntimezone = "UTC"\n')
    return tmp_path / "c.toml"


def write_factors(folder: Path, first: float) -> None:
    rows = [f"SG,2026-10-01T00:00Z,2026-10-01T01:00Z,{first:g},average,location,EMA"]
    rows.append("SG,2026-10-31T23:00Z,2026-11-01T00:00Z,200,average,location,EMA")
    rows.append("SG,2026-11-01T00:00Z,2026-11-01T01:00Z,600,average,location,EMA")
    (folder / "sg.csv").write_text(HEAD + "\n".join(rows) + "\n")


def report(config: Path, month: str = "2026-10") -> Any:
    result = CliRunner().invoke(main, ["report", "--month", month, "--json", "--config", str(config)])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_report_names_the_table_and_counts_by_it(config: Path) -> None:
    told = report(config)
    assert told["total"]["co2e_g"]["location"] == pytest.approx(100 + 100)
    (factor,) = told["factors"]
    assert factor["id"].startswith("hourly:")
    assert factor["id"].endswith(":SG")
    assert factor["source"] == "EMA"
    assert factor["g_per_kwh"] == pytest.approx(200 / 1.5)
    assert report(config, "2026-11")["total"]["co2e_g"]["location"] == pytest.approx(300)


def test_explain_says_the_factor_of_the_hour(config: Path) -> None:
    result = CliRunner().invoke(main, ["explain", "run-1", "--config", str(config)])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "hourly:" in result.output


def test_a_closed_month_keeps_its_hours_and_an_open_one_takes_better_ones(config: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["ledger", "close", "2026-10", "--config", str(config)])
    assert result.exit_code == 0, (result.output, result.exception)
    before = report(config)
    write_factors(tmp_path, 900)
    assert report(config)["total"] == before["total"]
    assert report(config)["factors"] == before["factors"]
    (tmp_path / "sg.csv").unlink()
    assert report(config)["total"] == before["total"]
    assert CliRunner().invoke(main, ["report", "--month", "2026-11", "--config", str(config)]).exit_code != 0


def test_a_plugin_that_is_named_is_asked(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wattbook.plugins as plugins
    from wattbook.hookspecs import hookimpl

    @hookimpl
    def factors(window: Any, config: Any) -> Any:
        if window.start < DAY < window.end:
            yield hour(0, 50)

    plugin = ModuleType("acme")
    plugin.factors = factors  # type: ignore[attr-defined]
    monkeypatch.setattr(plugins, "installed", lambda tables=None: plugins.gather([("acme", plugin)]))
    config.write_text('[factors]\nplugins = ["acme"]\n[report]\ntimezone = "UTC"\n')
    assert sorted(factor["id"].partition(":")[0] for factor in report(config)["factors"]) == ["ember", "hourly"]
    config.write_text('[factors]\nplugins = ["nobody"]\n')
    result = CliRunner().invoke(main, ["report", "--month", "2026-10", "--config", str(config)])
    assert "nobody" in str(result.exception)


def test_the_place_of_the_tests_is_in_the_table() -> None:
    assert SINGAPORE.zone == "SG"
