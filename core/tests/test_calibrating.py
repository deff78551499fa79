"""Corrections from pairs: what is known is found, what is repeated counts once, and nothing depends on an order."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook import corrections
from wattbook.accounting import total
from wattbook.calibrating.correction import Correction, Corrections, applied
from wattbook.calibrating.document import Origin, as_document, from_document
from wattbook.calibrating.fit import calibrate
from wattbook.calibrating.pairs import HostDay, host_days
from wattbook.model import Basis, Domain, Reading, Term, Window
from wattbook.records import Entry
from wattbook.testing.builders import START
from wattbook.testing.entries import an_entry

CAUSE, FAMILY = "model:tdp.package", "ACME X"
DOWN, UP = 0.4, 0.4  #: of the model's interval, in the logarithm


def a_pair(
    measured_j: float, modelled_j: float = 1000.0, *, host: str = "h0", day: int = 0, hour: int = 0, **more: Any
) -> list[Entry]:
    """A measured reading, and the model's figure for the same hour."""
    told = {"host": host, "start": START + timedelta(days=day, hours=hour), "run_id": f"{host}-{day}", **more}
    model = an_entry(
        modelled_j, basis="estimated", kind="model", outermost=False, cause=CAUSE, plugin="tdp", source="tdp",
        low_j=modelled_j * math.exp(-DOWN), high_j=modelled_j * math.exp(UP),
        terms=({"what": "ACME X1", "family": FAMILY},), **told,
    )  # fmt: skip
    return [an_entry(measured_j, **told), model]


def a_fleet(factor: float, hosts: int = 8, days: int = 5, *, host_spread: float = 0.05, seed: int = 1) -> list[Entry]:
    """Hosts that draw *factor* times what the model says, give or take."""
    chance = random.Random(seed)
    entries: list[Entry] = []
    for h in range(hosts):
        own = factor * math.exp(chance.gauss(0, host_spread))
        for day in range(days):
            entries += a_pair(1000 * own * math.exp(chance.gauss(0, 0.03)), host=f"h{h}", day=day)
    return entries


def corrected_by(entries: Iterable[Entry]) -> Correction:
    (one,), refused = calibrate(host_days(entries))
    assert refused == []
    return one


def test_a_known_factor_is_recovered_and_its_interval_covers_it() -> None:
    found = corrected_by(a_fleet(1.3))
    assert found.factor == pytest.approx(1.3, rel=0.05)
    assert found.low < 1.3 < found.high
    assert (found.hosts, found.host_days, found.told) == (8, 40, "calibrated on 40 host-days")


def test_the_interval_is_narrower_than_the_catalogues() -> None:
    found = corrected_by(a_fleet(1.3))
    assert math.log(found.high / found.low) < DOWN + UP


def test_the_error_falls_on_hosts_that_were_left_out() -> None:
    found = corrected_by(a_fleet(1.3))
    assert found.left_out == "host"
    assert found.before is not None
    assert found.after is not None
    assert found.before > 0.2
    assert found.after < 0.1


def test_one_host_says_little_about_others_and_is_tested_day_by_day() -> None:
    alone = corrected_by(a_fleet(1.3, hosts=1, days=10))
    many = corrected_by(a_fleet(1.3, hosts=10, days=1))
    assert alone.left_out == "day"
    assert 1.0 < alone.factor < many.factor
    assert alone.high / alone.low > many.high / many.low


def test_a_factor_of_one_changes_nothing_but_the_interval() -> None:
    entries = [entry for day in range(5) for h in range(4) for entry in a_pair(1000.0, host=f"h{h}", day=day)]
    found = corrected_by(entries)
    assert found.factor == 1.0
    reading = an_estimate()
    after = applied(reading, found)
    assert after.energy_j == reading.energy_j
    assert (after.low_j, after.high_j) != (reading.low_j, reading.high_j)


@given(st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_of_the_entries_does_not_matter(chance: random.Random) -> None:
    entries = a_fleet(1.2, hosts=3, days=3)
    shuffled = entries[:]
    chance.shuffle(shuffled)
    assert calibrate(host_days(shuffled)) == calibrate(host_days(entries))


@given(st.integers(min_value=2, max_value=6))
@settings(max_examples=5)
def test_windows_told_twice_do_not_narrow_the_interval(times: int) -> None:
    entries = a_fleet(1.2, hosts=3, days=3)
    assert calibrate(host_days(entries * times)) == calibrate(host_days(entries))


def test_ten_thousand_windows_of_a_day_are_one_host_day() -> None:
    few = [e for day in range(3) for e in a_pair(1300.0, day=day)]
    many = [e for day in range(3) for hour in range(9) for e in a_pair(1300.0, day=day, hour=hour)]
    assert corrected_by(many).host_days == corrected_by(few).host_days == 3
    assert corrected_by(many).high == pytest.approx(corrected_by(few).high)


def test_a_run_and_the_watch_beside_it_are_one_window() -> None:
    (day,) = host_days([*a_pair(1300.0, run_id="run"), *a_pair(1300.0, run_id="watch")])
    assert day.measured_j == 1300.0


def test_too_few_days_are_refused_with_a_sentence() -> None:
    found, refused = calibrate(host_days([*a_pair(1300.0, day=0), *a_pair(1300.0, day=1)]))
    assert found == []
    assert refused == ["ACME X (model:tdp.package): 2 host-days, and a calibration needs 3"]


def test_a_model_without_a_measured_counterpart_is_no_pair() -> None:
    measured, model = a_pair(1300.0)
    assert host_days([model]) == []
    assert host_days([measured]) == []
    other = an_entry(1300.0, host="h0", run_id="h0-0", address="dram:0/dram")
    assert host_days([model, other]) == []


@pytest.mark.parametrize("name", ["host", "platform", "wall"])
def test_the_whole_machine_is_calibrated_by_what_measured_the_whole_machine(name: str) -> None:
    measured, model = a_pair(1300.0)
    whole = [
        Entry.from_dict({**measured.as_dict(), "device": "machine", "domain": name}),
        Entry.from_dict({**model.as_dict(), "device": "machine", "domain": "host"}),
    ]
    assert [day.measured_j for day in host_days(whole)] == [1300.0]
    package = Entry.from_dict({**measured.as_dict(), "device": "cpu:0", "domain": "package"})
    assert host_days([package, whole[1]]) == []


@pytest.mark.parametrize("measured_j", [0.0, 1e9])
def test_a_broken_meter_teaches_nothing(measured_j: float) -> None:
    assert host_days(a_pair(measured_j)) == []


def test_made_up_figures_teach_nothing() -> None:
    assert host_days(a_pair(1300.0, synthetic=True)) == []


# --- what a model's figure is not --------------------------------------------------------------


def test_a_models_figure_is_never_an_addend() -> None:
    measured, model = a_pair(1300.0)
    assert total([measured, model]).energy == total([measured]).energy
    assert total([model]).energy is None


# --- applying ------------------------------------------------------------------------------------


def an_estimate(power_w: float = 100.0, *, down: float = DOWN, up: float = UP) -> Reading:
    window = Window(start=START, end=START + timedelta(hours=1))
    low, high = power_w * math.exp(-down), power_w * math.exp(up)
    return Reading(
        domain=Domain(device="cpu:0", name="package"), window=window, energy_j=power_w * 3600, low_j=low * 3600,
        high_j=high * 3600, basis=Basis.ESTIMATED, source="tdp", cause=CAUSE, method="CPU package from TDP",
        terms=(Term(what="ACME X1", power_w=power_w, low_w=low, high_w=high, formula="f", source="s", family=FAMILY),),
    )  # fmt: skip


def a_correction(**more: Any) -> Correction:
    told: dict[str, Any] = {
        "cause": CAUSE, "family": FAMILY, "factor": 1.3, "low": 1.1, "high": 1.5, "down": DOWN, "up": UP, "hosts": 3,
        "host_days": 12, **more,
    }  # fmt: skip
    return Correction(**told)


def test_a_corrected_estimate_says_so_in_method_cause_and_terms() -> None:
    after = applied(an_estimate(), a_correction(), "calibration of today")
    assert after.energy_j == pytest.approx(130 * 3600)
    assert (after.low_j, after.high_j) == (pytest.approx(110 * 3600), pytest.approx(150 * 3600))
    assert after.method == "CPU package from TDP, calibrated on 12 host-days"
    assert after.cause == "model:tdp.package, ACME X, calibrated on 12 host-days"
    assert after.terms[-1].what == "calibration"
    assert "12 host-days of 3 hosts" in after.terms[-1].formula
    assert after.terms[-1].source == "calibration of today"


def test_the_terms_of_a_corrected_estimate_add_up() -> None:
    after = applied(an_estimate(), a_correction(factor=0.7, low=0.6, high=0.9))
    assert sum(term.power_w for term in after.terms) * 3600 == pytest.approx(after.energy_j)
    term = after.terms[-1]
    assert (term.power_w, term.low_w, term.high_w) == (pytest.approx(-30), pytest.approx(-40), pytest.approx(-10))


def test_what_is_not_the_models_error_stays_in_the_interval() -> None:
    wide = applied(an_estimate(down=1.0, up=1.0), a_correction())
    narrow = applied(an_estimate(), a_correction())
    assert wide.low_j is not None
    assert narrow.low_j is not None
    assert wide.high_j is not None
    assert narrow.high_j is not None
    assert wide.low_j < narrow.low_j
    assert narrow.high_j < wide.high_j


@given(
    factor=st.floats(0.1, 10), spread=st.floats(0.0, 1.5), down=st.floats(0.0, 3.0), up=st.floats(0.0, 3.0),
    power_w=st.floats(0.0, 1e5),
)  # fmt: skip
def test_an_applied_correction_keeps_the_figure_in_its_interval(
    factor: float, spread: float, down: float, up: float, power_w: float
) -> None:
    one = a_correction(factor=factor, low=factor * math.exp(-spread), high=factor * math.exp(spread))
    after = applied(an_estimate(power_w, down=down, up=up), one)
    assert after.low_j is not None
    assert after.high_j is not None
    assert after.low_j <= after.energy_j <= after.high_j


# --- the file ------------------------------------------------------------------------------------

ORIGIN = Origin(
    made_at="2026-11-24T00:00:00.000000Z", book="sqlite:///book.db", watermark="2026-11-23T00:00:00.000000Z"
)


def test_a_calibration_survives_its_file() -> None:
    document = json.loads(json.dumps(as_document(ORIGIN, [a_correction(before=0.3, after=0.1, left_out="host")])))
    origin, found = from_document(document)
    assert origin == ORIGIN
    assert list(found.of.values()) == [a_correction(before=0.3, after=0.1, left_out="host")]
    assert "2026-11-23" in found.source


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"factor": float("nan")}, "factor is not a number"),
        ({"factor": 1e9, "high": 1e10}, "between 1/50 and 50"),
        ({"low": 2.0}, "lies in its interval"),
        ({"hosts": 0}, "hosts is not a count"),
        ({"family": ""}, "family is not a name"),
        ({"family": "a\x1b[2J"}, "family is not a name"),
        ({"down": -1.0}, "widths"),
    ],
)
def test_a_damaged_correction_is_refused_with_a_sentence(change: dict[str, Any], sentence: str) -> None:
    document = as_document(ORIGIN, [])
    document["corrections"] = [{**asdict(a_correction()), **change}]
    with pytest.raises(ValueError, match=sentence):
        from_document(document)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"wattbook_calibration": 2}', '{"wattbook_calibration": 1}', "[" * 100_000, "\0"]
)
def test_a_damaged_file_leaves_estimates_as_they_are_and_says_so(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    monkeypatch.setenv(corrections.ENVIRONMENT, str(file))
    after = corrections.corrected(an_estimate())
    assert after.energy_j == an_estimate().energy_j
    assert "not calibrated" in after.warnings[-1]


def test_the_file_in_force_is_read_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "calibration.json"
    monkeypatch.setenv(corrections.ENVIRONMENT, str(file))
    for factor in (1.3, 1.25):
        file.write_text(json.dumps(as_document(ORIGIN, [a_correction(factor=factor)])))
        assert corrections.corrected(an_estimate()).energy_j == pytest.approx(factor * 360_000)


def test_without_a_file_nothing_is_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(corrections.ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(corrections, "SYSTEM", str(tmp_path / "none"))
    assert corrections.current() == Corrections()
    assert corrections.corrected(an_estimate()) == an_estimate()


def test_only_the_model_and_family_of_a_correction_are_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(json.dumps(as_document(ORIGIN, [a_correction(family="another")])))
    monkeypatch.setenv(corrections.ENVIRONMENT, str(file))
    assert corrections.corrected(an_estimate()) == an_estimate()


def test_a_host_day_knows_the_logarithm_of_truth_over_model() -> None:
    day = HostDay(
        cause=CAUSE, family=FAMILY, host="h", day="2026-10-01", measured_j=1300, modelled_j=1000, down=0.4, up=0.4
    )
    assert day.error == pytest.approx(math.log(1.3))
