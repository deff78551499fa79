"""What is written for others: model cards, SCI, the GHG table and metrics, each by its published form."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from wattbook.cli import main
from wattbook.config import Account, Config, Site
from wattbook.ledger import Ledger
from wattbook.records import Entry, Labels, Place, Snapshot
from wattbook.report import Period, Report, build
from wattbook.report.packs.ghg import CATEGORIES, as_rows
from wattbook.report.packs.model_card import TRAINING, as_fields, as_yaml
from wattbook.report.packs.openmetrics import as_openmetrics
from wattbook.report.packs.sci import CONSUMER, PROVIDER, Embodied, score, score_for_ai
from wattbook.report.packs.selection import Refused, Selection, selected
from wattbook.report.sums import undivided
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
HALL = Place(site="hall", zone="SG", pue=1.5)
CLOUD = Config(accounts={"acme/1": Account(platforms=("cloud",))})


def report(*entries: Entry, statements: Any = (), runs: Any = (), config: Config = CLOUD) -> Report:
    return build(entries, statements, runs, config, OCTOBER)


def chosen(*entries: Entry, runs: Any = (), **more: Any) -> Selection:
    return selected("project ner", report(*entries, runs=runs).atoms, **more)


def train(**more: Any) -> Entry:
    return an_entry(10 * KWH, **{"phase": "train", "place": HALL, "error": 0.1, **more})


# --- Hugging Face: https://huggingface.co/docs/hub/model-cards-co2 ------------------------------


def test_a_model_card_has_the_documented_fields_and_grams() -> None:
    yaml = pytest.importorskip("yaml")
    told = as_fields(chosen(train()), training_type="fine-tuning", hardware="1 x A100", location="Singapore")
    head = as_yaml(told).split("---\n")[1]
    (read,) = (yaml.safe_load(head)["co2_eq_emissions"],)
    assert set(read) == {"emissions", "source", "training_type", "geographical_location", "hardware_used"}
    assert isinstance(read["emissions"], float)
    assert read["emissions"] == pytest.approx(10 * 1.5 * 498.74)
    assert read["training_type"] in TRAINING
    assert all(isinstance(read[name], str) for name in read if name != "emissions")
    assert "measured" in read["source"]
    assert "90 % interval" in read["source"]


def test_a_card_of_a_providers_figure_claims_no_interval() -> None:
    made = report(statements=[a_statement("10")])
    source = as_fields(selected("a month", [], undivided(made.claims)))["source"]
    assert "its error is not known" in source
    assert "90 %" not in source


def test_what_nobody_told_is_left_out_of_the_card() -> None:
    assert set(as_fields(chosen(train()))) == {"emissions", "source", "geographical_location"}


@given(
    st.floats(1e-12, 1e15), st.text(max_size=60).filter(lambda text: text.strip()), st.text(max_size=60)
)  # fmt: skip
def test_a_card_is_read_back_as_it_was_meant(grams: float, hardware: str, place: str) -> None:
    yaml = pytest.importorskip("yaml")
    told = as_fields(chosen(train()), hardware=hardware, location=place or None)
    told["emissions"] = grams
    assert yaml.safe_load(as_yaml(told).split("---\n", 1)[1].rsplit("---\n", 1)[0]) == {"co2_eq_emissions": told}


def test_unknown_carbon_makes_no_card() -> None:
    with pytest.raises(Refused, match="no grid factor"):
        as_fields(chosen(train(), train(place=Place(zone="XX"), host="b")))
    with pytest.raises(Refused, match="no location-based carbon"):
        as_fields(chosen())


# --- SCI: SCI 1.1, ISO/IEC 21031:2024 -----------------------------------------------------------


def test_a_score_is_operational_and_embodied_carbon_per_unit() -> None:
    told = score(chosen(train(), units=(1000.0, "request")), Embodied(grams=500.0, source="vendor"))
    grams = 10 * 1.5 * 498.74
    assert told["o_g"] == pytest.approx(grams)
    assert told["sci"] == pytest.approx((grams + 500.0) / 1000)
    assert told["e_kwh"] == pytest.approx(15.0)  # with the facility
    assert told["i_g_per_kwh"] == pytest.approx(498.74)
    assert told["e_kwh"] * told["i_g_per_kwh"] == pytest.approx(told["o_g"])
    assert told["sci_low"] < told["sci"] < told["sci_high"]
    assert told["unit"] == "gCO2e per request"


def test_the_specification_wants_score_boundary_and_method_disclosed() -> None:
    told = score(chosen(train(), units=(1.0, "run"), gaps=["machine/other"]), None)
    assert told["boundary"]["not_covered"] == ["machine/other"]
    assert told["boundary"]["components"] == ["host-1 cpu:0/package"]
    assert told["methodology"]["factors"][0]["method"] == "location"
    assert told["functional_unit"] == {"name": "run", "amount": 1.0}


def test_without_embodied_emissions_there_is_no_score_and_never_a_silent_zero() -> None:
    told = score(chosen(train(), units=(1000.0, "token")), None)
    assert (told["sci"], told["m_g"]) == (None, None)
    assert told["operational"] > 0
    assert any("silent zero" in note for note in told["notes"])


def test_without_a_functional_unit_a_score_is_refused() -> None:
    with pytest.raises(Refused, match="functional unit"):
        score(chosen(train()), None)


def test_the_two_scores_for_ai_have_their_own_phases_and_units() -> None:
    entries = (train(), an_entry(2 * KWH, phase="serve", host="b", place=HALL), an_entry(KWH, phase="idle", host="c"))
    provider = score_for_ai(chosen(*entries, units=(2e9, "parameter")), "provider", None)
    assert provider["o_g"] == pytest.approx(10 * 1.5 * 498.74)
    assert provider["operational"] == pytest.approx(10 * 1.5 * 498.74 / 2)
    assert provider["unit"] == "gCO2e per 1e+09 parameter"
    assert provider["left_out"] == ["idle", "serve"]
    consumer = score_for_ai(chosen(*entries, units=(1000.0, "tokens")), "consumer", Embodied(grams=3.0, source="x"))
    assert consumer["o_g"] == pytest.approx(2 * 1.5 * 498.74)
    assert consumer["sci"] == pytest.approx((2 * 1.5 * 498.74 + 3) / 1000)


@pytest.mark.parametrize(("persona", "unit"), [("provider", "token"), ("consumer", "flop"), ("provider", "request")])
def test_a_unit_of_the_other_side_is_refused(persona: str, unit: str) -> None:
    with pytest.raises(Refused, match="score is per"):
        score_for_ai(chosen(train(), units=(1.0, unit)), persona, None)


def test_an_empty_boundary_is_refused() -> None:
    with pytest.raises(Refused, match="boundary is empty"):
        score_for_ai(chosen(train(), units=(1.0, "token")), "consumer", None)


def test_runs_that_failed_are_in_the_providers_gross_score_only() -> None:
    runs = [a_run("a"), a_run("b", exit_code=1)]
    told = chosen(train(run_id="a"), train(run_id="b", host="b"), runs=runs, units=(1e20, "FLOP"))
    made = score_for_ai(told, "provider", None)
    assert made["operational"] == pytest.approx(2 * made["operational_effective"])


def test_the_units_of_the_edition_for_ai_are_its_own() -> None:
    assert set(CONSUMER) == {"token", "second", "image", "execution", "page", "inference"}
    assert set(PROVIDER) == {"parameter", "training token", "flop"}


# --- GHG Protocol: Corporate Standard, Scope 2 Guidance, Scope 3 Standard ------------------------


def team() -> Report:
    config = Config(
        accounts=CLOUD.accounts,
        sites={"home": Site(name="home", controlled_by="home"), "hall": Site(name="hall", controlled_by="owned")},
    )
    return report(
        train(), an_entry(KWH, host="laptop", place=Place(site="home", zone="SG")),
        statements=[a_statement("10"), a_statement("9", method="market")], config=config,
    )  # fmt: skip


def test_the_table_has_scope_2_both_ways_and_every_category_of_scope_3() -> None:
    rows = as_rows(team())
    assert [row["method"] for row in rows if row["scope"] == "2"] == ["location", "market"]
    assert sorted({row["category"] for row in rows if row["scope"] == "3"}) == list(range(1, 16))
    assert len(CATEGORIES) == 15
    cloud = {row["method"]: row["co2e_kg"] for row in rows if row["category"] == 1}
    assert cloud == {"location": 10.0, "market": 9.0}
    (home,) = [row for row in rows if row["category"] == 7 and row["method"] == "location"]
    assert home["co2e_kg"] == pytest.approx(0.49874)


def test_what_the_book_does_not_cover_is_told_and_not_zero() -> None:
    rows = as_rows(team())
    (direct,) = [row for row in rows if row["scope"] == "1"]
    assert direct["co2e_kg"] is None
    assert "not covered" in direct["note"]
    assert all(row["note"] for row in rows if row["co2e_kg"] is None)


def test_the_location_based_lines_add_up_to_the_total() -> None:
    made = team()
    kilograms = [row["co2e_kg"] for row in as_rows(made) if row["method"] == "location"]
    assert made.total.location_g is not None
    assert sum(kilograms) * 1000 == pytest.approx(made.total.location_g.value)


# --- OpenMetrics text format 1.0 ----------------------------------------------------------------

NAMES = st.one_of(st.none(), st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20))


def families(text: str) -> dict[str, Any]:
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def test_the_exposition_is_parsed_and_adds_up_to_the_total() -> None:
    made = team()
    found = families(as_openmetrics(made))
    energy = [sample.value for sample in found["wattbook_period_energy_joules"].samples]
    assert made.total.energy is not None
    assert sum(energy) == pytest.approx(made.total.energy.value)
    grams = [s.value for s in found["wattbook_period_co2e_grams"].samples if s.labels["method"] == "location"]
    assert made.total.location_g is not None
    assert sum(grams) == pytest.approx(made.total.location_g.value)
    assert all(family.documentation for family in found.values())


def test_the_exposition_ends_with_its_mark() -> None:
    assert as_openmetrics(team()).endswith("\n# EOF\n")


def test_what_is_not_known_has_no_sample() -> None:
    made = as_openmetrics(report(an_entry(KWH, place=Place(zone="XX"))))
    assert "wattbook_period_energy_joules{" in made
    assert "co2e" not in made
    assert "wattbook_period_energy_joules" not in as_openmetrics(report())


@given(NAMES, NAMES)
def test_any_label_survives_the_exposition(project: str | None, platform: str | None) -> None:
    made = as_openmetrics(report(train(project=project, platform=platform)))
    (sample,) = families(made)["wattbook_period_energy_joules"].samples
    spoken = (project or "").replace("\r", " ")
    assert sample.labels.get("project", "") == spoken


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "wattbook.toml").write_text(
        '[report]\ntimezone = "Asia/Singapore"\n[accounts."acme/1"]\nplatforms = ["cloud"]\n'
    )
    url = str(tmp_path / "book.db")
    for name, value in (
        ("LEDGER", url),
        ("CONFIG", str(tmp_path / "wattbook.toml")),
        ("STATE", str(tmp_path / "state")),
    ):
        monkeypatch.setenv(f"WATTBOOK_{name}", value)
    monkeypatch.setenv("NO_COLOR", "1")
    labels = Labels(project="ner", phase="train")
    start = datetime(2026, 10, 5, tzinfo=UTC)
    with Ledger.open(url) as ledger:
        ledger.add(
            [train(project="ner", start=start), train(project="ner", run_id="run-2", host="b", start=start), a_gap_entry(start=start)],
            [a_run(start=start, units=1000.0, unit="token", labels=labels), a_run("run-2", start=start, units=3000.0, unit="token")],
        )  # fmt: skip
        ledger.add_statements([a_statement("10")], Snapshot(sha256="ab", format="csv", plugin="csp"))
    return url


def wattbook(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="wattbook")


def test_runs_bring_their_own_functional_unit(book: str) -> None:
    told = json.loads(wattbook("export", "sci", "run-1", "run-2").stdout)
    assert told["functional_unit"] == {"name": "token", "amount": 4000.0}
    assert told["operational"] == pytest.approx(2 * 10 * 1.5 * 498.74 / 4000)
    assert told["boundary"]["not_covered"] == ["gpu:0/board"]


def test_a_project_and_a_month_are_told_of(book: str) -> None:
    card = wattbook("export", "huggingface", "--month", "2026-10", "--project", "ner").stdout
    assert "co2_eq_emissions:\n  emissions: 149" in card
    rows = list(csv.DictReader(io.StringIO(wattbook("export", "ghg", "--month", "2026-10", "--format", "csv").stdout)))
    assert next(row["co2e_kg"] for row in rows if row["category"] == "1") == "10.0"
    assert json.loads(wattbook("export", "ghg", "--month", "2026-10", "--json").stdout)["lines"][0]["scope"] == "1"


def test_a_file_is_written_whole_or_not_at_all(book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "textfile" / "wattbook.prom"
    target.parent.mkdir()
    target.write_text("old")
    assert wattbook("export", "openmetrics", "--month", "2026-10", "-o", str(target)).exit_code == 0
    assert target.read_text().endswith("# EOF\n")
    assert [path.name for path in target.parent.iterdir()] == ["wattbook.prom"]
    before = target.read_text()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    result = wattbook("export", "openmetrics", "--month", "2026-10", "-o", str(target))
    assert "cannot be written" in str(result.exception)
    assert target.read_text() == before
    assert [path.name for path in target.parent.iterdir()] == ["wattbook.prom"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("sci", "--month", "2026-10"), 1, "functional unit"),
        (("sci", "--month", "2026-10", "--units", "0:token"), 2, "no amount of work"),
        (("sci", "--embodied-g", "5"), 2, "--embodied-source"),
        (("sci", "--embodied-g", "0", "--embodied-source", "x"), 2, "more than 0"),
        (("sci", "--embodied-g", "nan", "--embodied-source", "x"), 2, "more than 0"),
        (("ghg", "run-1"), 2, "whole period"),
        (("ghg", "--units", "1:x"), 2, "belongs to"),
        (("huggingface", "run-1", "--month", "2026-10"), 2, "alone"),
        (("huggingface", "no-such-run"), 1, "no run"),
        (("huggingface", "--month", "2026-10", "--project", "nobody"), 1, "holds nothing"),
        (("huggingface", "--month", "2020-01"), 1, "no location-based carbon"),
        (("model-card",), 2, "model-card"),
    ],
)
def test_wrong_usage_is_a_sentence(book: str, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = wattbook("export", *arguments)
    assert (result.exit_code == 2) == (code == 2)
    assert said in result.output + str(result.exception)


@pytest.mark.parametrize("more", [("--month", "2026-10"), ("--month", "2026-10", "--project", "ner")])
def test_a_pack_of_a_closed_month_is_that_of_then(
    book: str, more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = int(datetime.now(UTC).timestamp())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now_s + 60))
    assert wattbook("ledger", "close", "2026-10").exit_code == 0
    before = wattbook("export", "sci", *more, "--units", "5:token").stdout
    assert json.loads(before)["functional_unit"] == {"name": "token", "amount": 5.0}
    (tmp_path / "wattbook.toml").write_text(
        '[report]\ntimezone = "UTC"\n[[factors.hours]]\nzone = "SG"\nstart = "2026-09-01T00:00:00Z"\n'
        'end = "2026-12-01T00:00:00Z"\ng_per_kwh = 1\nsource = "a test"\n'
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now_s + 120))
    with Ledger.open(book) as ledger:
        ledger.add([train(project="ner", host="late", start=datetime(2026, 10, 6, tzinfo=UTC))], [])
    assert wattbook("export", "sci", *more, "--units", "5:token").stdout == before


def test_a_model_card_is_read_by_the_hubs_own_library(book: str) -> None:
    hub = pytest.importorskip("huggingface_hub")
    text = wattbook("export", "huggingface", "run-1", "--hardware", "1 x A100", "--training-type", "fine-tuning").stdout
    data = hub.ModelCard(f"{text}\n# A model\n").data.to_dict()
    assert data["co2_eq_emissions"]["emissions"] == pytest.approx(10 * 1.5 * 498.74)
    assert data["co2_eq_emissions"]["training_type"] == "fine-tuning"
    again = hub.ModelCardData(co2_eq_emissions=data["co2_eq_emissions"])
    assert hub.ModelCard(f"---\n{again.to_yaml()}\n---\n").data.to_dict() == data
