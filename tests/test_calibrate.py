"""``wattbook calibrate`` from outside: a fleet's book, a factor, estimates that use it, and what is refused."""

from __future__ import annotations

import json
import math
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import wattbook_tdp
from click.testing import CliRunner, Result
from wattbook.cli import main
from wattbook.ledger.store import Ledger
from wattbook.model import Activity, Basis, Chip, Domain, Gap, Host, Load, Reading, Window
from wattbook.records import Entry, RunRecord
from wattbook.testing.builders import START

CHIP = "AMD EPYC 7763 64-Core Processor"
SIBLING = "AMD EPYC 7713 64-Core Processor"
STRANGER = "Intel(R) Xeon(R) Platinum 8480+"


def a_fleet(factor: float, hosts: int, days: int) -> Iterator[Entry]:
    """What watches record of hosts with a meter that draw *factor* times what the model says."""
    chance = random.Random(7)
    for h in range(hosts):
        own = factor * math.exp(chance.gauss(0, 0.05))
        for day in range(days):
            for piece in range(3):
                start = START + timedelta(days=day, minutes=5 * piece)
                window = Window(start=start, end=start + timedelta(minutes=5))
                u = chance.random()
                host = Host(name=f"h{h}", cpus=(Chip(name=CHIP, device="cpu:0"),))
                activity = Activity(
                    window=window, host=host, loads=(Load(device="cpu", seconds=300, low=u, high=u),)
                )  # fmt: skip
                gap = Gap(domain=Domain(device="cpu:0", name="package"), window=window, reason="measured")
                (model,) = wattbook_tdp.estimate(gaps=[gap], activity=activity, config=None)
                assert isinstance(model, Reading)
                joules = model.energy_j * own
                meter = Reading(
                    domain=gap.domain, window=window, energy_j=joules, low_j=joules, high_j=joules,
                    basis=Basis.MEASURED, source="energy",
                )  # fmt: skip
                told: dict[str, Any] = {"run_id": f"watch-{h}-{day}", "host": host.name}
                yield Entry.from_reading(meter, plugin="rapl", **told)
                yield Entry.from_reading(model, plugin="tdp", kind="model", **told)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "book.db"))
    monkeypatch.delenv("WATTBOOK_CALIBRATION", raising=False)
    monkeypatch.delenv("WATTBOOK_CONFIG", raising=False)

    def call(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return call


@pytest.fixture
def fleet(run: Any, tmp_path: Path) -> Any:
    with Ledger.open(str(tmp_path / "book.db")) as book:
        book.add(a_fleet(1.3, hosts=6, days=4))
    return run


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def package_of(run: Any, chip: str) -> Any:
    return document(run("estimate", "--hours", "1", "--util", "60", "--cpu", chip, "--boundary", "package", "--json"))


def test_the_factor_of_a_fleet_is_found_and_nothing_changes_before_apply(fleet: Any) -> None:
    before = package_of(fleet, SIBLING)
    (found,) = document(fleet("calibrate", "--json"))["corrections"]
    assert found["family"] == "AMD EPYC 7003"
    assert found["factor"] == pytest.approx(1.3, rel=0.07)
    assert found["low"] < 1.3 < found["high"]
    assert (found["hosts"], found["host_days"]) == (6, 24)
    assert found["after"] < found["before"] / 2
    assert package_of(fleet, SIBLING) == before


def test_applied_it_corrects_the_family_and_nobody_else(fleet: Any) -> None:
    before, stranger = package_of(fleet, SIBLING), package_of(fleet, STRANGER)
    applied = document(fleet("calibrate", "--apply", "--json"))
    after = package_of(fleet, SIBLING)
    assert after["power_w"] == pytest.approx(before["power_w"] * applied["corrections"][0]["factor"])
    assert after["method"] == "CPU package from TDP, calibrated on 24 host-days"
    assert after["power_high_w"] / after["power_low_w"] < before["power_high_w"] / before["power_low_w"]
    assert package_of(fleet, STRANGER) == stranger


def test_explain_prints_the_term(fleet: Any) -> None:
    assert fleet("calibrate", "--apply").exit_code == 0
    words = ("--hours", "1", "--util", "60", "--cpu", SIBLING, "--boundary", "package")
    assert "calibrated on 24 host-days of 6 hosts" in fleet("estimate", *words, "--explain").output
    assert fleet("log", *words).exit_code == 0
    assert "calibrated on 24 host-days of 6 hosts" in fleet("explain", "last").output


def test_show_and_remove(fleet: Any) -> None:
    before = package_of(fleet, SIBLING)
    place = document(fleet("calibrate", "--apply", "--json"))["applied"]
    assert "AMD EPYC 7003" in fleet("calibrate", "--show").output
    assert document(fleet("calibrate", "--show", "--json"))["file"] == place
    assert document(fleet("calibrate", "--remove", "--json")) == {"removed": place}
    assert package_of(fleet, SIBLING) == before
    gone = fleet("calibrate", "--show")
    assert gone.exit_code != 0


def test_a_calibration_can_be_carried_to_another_machine(
    fleet: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "carried.json"
    assert fleet("calibrate", "--apply", "--output", str(file)).exit_code == 0
    assert package_of(fleet, SIBLING)["method"] == "CPU package from TDP"
    monkeypatch.setenv("WATTBOOK_CALIBRATION", str(file))
    assert "24 host-days" in package_of(fleet, SIBLING)["method"]


def test_a_file_that_is_no_calibration_is_not_overwritten(fleet: Any, tmp_path: Path) -> None:
    file = tmp_path / "thesis.tex"
    file.write_text("years of work")
    result = fleet("calibrate", "--apply", "--output", str(file))
    assert result.exit_code == 1
    assert "is not overwritten" in str(result.exception)
    assert file.read_text() == "years of work"


def test_what_is_no_file_is_neither_read_nor_written(fleet: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place, sentence in ((pipe, "is not overwritten"), (tmp_path, "is a folder")):
        result = fleet("calibrate", "--apply", "--output", str(place))
        assert result.exit_code == 1
        assert sentence in str(result.exception)


def test_a_period_without_enough_days_is_refused(fleet: Any, run: Any) -> None:
    result = fleet("calibrate", "--from", "2026-09-01", "--to", "2026-09-30")
    assert result.exit_code == 1
    assert "nothing to calibrate on" in str(result.exception)


def test_too_little_is_refused_with_a_sentence(run: Any, tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path / "book.db")) as book:
        book.add(a_fleet(1.3, hosts=1, days=2))
    result = run("calibrate")
    assert result.exit_code == 1
    assert "2 host-days, and a calibration needs 3" in result.output
    assert "too little" in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        ("--show", "--remove"), ("--show", "--apply"), ("--remove", "--from", "2026-10-01", "--to", "2026-10-02"),
        ("--output", "x"), ("--apply", "--output", " "), ("--from", "2026-10-01"),
        ("--from", "2026-10-02", "--to", "2026-10-01"), ("--from", "Monday", "--to", "Friday"),
    ],
)  # fmt: skip
def test_contradictions_are_wrong_usage(run: Any, words: tuple[str, ...]) -> None:
    result = run("calibrate", *words)
    assert result.exit_code == 2
    assert "Error: " in result.output


def test_models_beside_meters_change_no_report_and_no_check(fleet: Any, tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path / "alone.db")) as book:
        book.add(entry for entry in a_fleet(1.3, hosts=6, days=4) if entry.kind == "reading")
    words = ("report", "--month", "2026-10", "--json")
    both, alone = document(fleet(*words)), document(fleet(*words, "--ledger", str(tmp_path / "alone.db")))
    assert both == alone
    assert document(fleet("ledger", "verify", "--json"))["ok"]


def test_models_survive_export_and_import(fleet: Any, tmp_path: Path) -> None:
    file = tmp_path / "book.jsonl"
    assert fleet("ledger", "export", "--format", "jsonl", "-o", str(file)).exit_code == 0
    copy = str(tmp_path / "copy.db")
    assert fleet("import", str(file), "--ledger", copy).exit_code == 0
    again = document(fleet("calibrate", "--json", "--ledger", copy))
    assert again["corrections"] == document(fleet("calibrate", "--json"))["corrections"]


def test_a_run_of_kind_model_alone_is_explained(fleet: Any, tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path / "book.db")) as book:
        book.add(runs=[RunRecord(run_id="watch-0-0", kind="watch", start="2026-10-01T08:00:00.000000Z",
                                 end="2026-10-01T08:15:00.000000Z", host="h0")])  # fmt: skip
        model = next(entry for entry in book.entries(run_id="watch-0-0") if entry.kind == "model")
    explained = document(fleet("explain", "watch-0-0", "--json"))
    assert all(branch["basis"] == "measured" for branch in explained["readings"])
    assert explained["readings"][0]["modelled"]["basis"] == "estimated"
    assert "the model alone says" in fleet("explain", "watch-0-0").output
    assert document(fleet("explain", model.entry_id, "--json"))["kind"] == "entry"
