"""Machine-readable output: the keys that other programs rely on, from real commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "team-sg"


class Terminal:
    """Runs the command in an empty home with a book of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.environment = {
            **os.environ, "HOME": str(place / "home"), "WATTBOOK_LEDGER": str(place / "book.db"), "TZ": "Asia/Singapore",
        }  # fmt: skip
        for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "WATTBOOK_STATE", "WATTBOOK_CONFIG"):
            self.environment.pop(name, None)

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wattbook", *arguments]
        done = subprocess.run(command, cwd=self.place, env=self.environment, capture_output=True, text=True)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    def document(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--json", code=code).stdout)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    place = tmp_path_factory.mktemp("contract")
    (place / "home").mkdir()
    return Terminal(place)


def has(document: dict[str, Any], *keys: str) -> None:
    missing = [key for key in keys if key not in document]
    assert not missing, f"missing keys: {missing}"


@pytest.fixture(scope="module")
def run_document(terminal: Terminal) -> dict[str, Any]:
    terminal("run", "--json", "-o", "out.json", "--project", "ner", "--phase", "dev", "--tag", "k=v", "--",
             sys.executable, "-c", "sum(i * i for i in range(2_000_000))")  # fmt: skip
    document = json.loads((terminal.place / "out.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_run(run_document: dict[str, Any]) -> None:
    has(run_document, "run_id", "command", "start", "end", "duration_s", "exit_code", "signal",
        "energy_j", "energy_low_j", "energy_high_j", "co2e_g", "co2e_low_g", "co2e_high_g", "factor",
        "process_share", "readings", "gaps", "by_basis_j", "warnings")  # fmt: skip
    has(run_document["factor"], "id", "zone", "year", "signal", "cycle", "method", "g_per_kwh", "source", "assumed")
    has(run_document["readings"][0], "device", "domain", "basis", "plugin", "source", "energy_j", "low_j", "high_j",
        "outermost")  # fmt: skip
    assert set(run_document["by_basis_j"]) == {"measured", "estimated"}


def test_run_without_a_sensor_estimates_with_an_interval(run_document: dict[str, Any]) -> None:
    if any(reading["basis"] == "measured" for reading in run_document["readings"]):
        pytest.skip("this machine has a sensor")
    assert run_document["readings"][0]["basis"] == "estimated"
    assert run_document["energy_low_j"] < run_document["energy_j"] < run_document["energy_high_j"]
    assert run_document["gaps"]
    assert all(gap["domain"] and gap["reason"] for gap in run_document["gaps"])


def test_an_assumed_zone_is_marked(run_document: dict[str, Any]) -> None:
    assert run_document["factor"]["assumed"] is True
    assert run_document["factor"]["zone"] == "SG"


def test_run_leaves_the_folder_alone(terminal: Terminal, run_document: dict[str, Any]) -> None:
    assert run_document
    assert sorted(p.name for p in terminal.place.iterdir()) in (["home", "out.json"], ["book.db", "home", "out.json"])


def test_doctor(terminal: Terminal) -> None:
    document = terminal.document("doctor")
    has(document, "host", "verdicts", "gaps", "ledger", "site")
    has(document["host"], "os", "arch", "virtual", "cpus", "gpus", "memory_gb")
    has(document["verdicts"][0], "plugin", "source", "hook", "domains", "fate", "reason", "remedy")
    has(document["ledger"], "url", "entries", "ok")
    assert {v["fate"] for v in document["verdicts"]} <= {"chosen", "passed over", "unavailable", "broken"}
    assert {v["hook"] for v in document["verdicts"]} <= {"measure", "estimate", "import_provided"}


def test_import_of_a_recording(terminal: Terminal) -> None:
    sample = EXAMPLE / "measured" / "gpu-server" / "turbostat.txt"
    (imported,) = terminal.document("import", str(sample), "--host", "box")["imported"]
    has(imported, "paths", "format", "plugin", "basis", "sha256", "hardware", "tool_version", "samples", "start",
        "end", "duration_s", "mean_power_w", "energy_j", "entries", "problems", "warnings")  # fmt: skip
    assert imported["basis"] == "measured"
    assert set(imported["entries"]) == {"new", "known"}
    again = terminal.document("import", str(sample), "--host", "box")["imported"][0]["entries"]
    assert again == {"new": 0, "known": imported["entries"]["new"]}


def test_import_of_a_providers_export(terminal: Terminal) -> None:
    sample = EXAMPLE / "provided" / "aws-2026-10-model-3.0.1.csv.gz"
    (imported,) = terminal.document("import", str(sample))["imported"]
    has(imported, "paths", "format", "plugin", "basis", "sha256", "provider", "accounts", "statements", "co2e_kg",
        "by_month", "completeness", "problems", "warnings")  # fmt: skip
    assert set(imported["statements"]) == {"new", "known", "superseded"}
    assert imported["co2e_kg"] == {"location": 197.525, "market": 196.905, "unsplit": None}
    has(imported["by_month"]["2026-10"], "location", "market", "unsplit", "scope1", "scope2_location", "scope2_market",
        "scope3_location", "scope3_market")  # fmt: skip
    assert imported["completeness"] in ("complete", "partial", "provisional")


def test_chip(terminal: Terminal) -> None:
    one = terminal.document("chip", "AMD EPYC 7763 64-Core Processor")
    has(one, "query", "kind", "match", "tdp_w", "cores", "year", "confidence", "source", "reason")
    assert one["tdp_w"] == 280
    two = terminal.document("chip", "AMD EPYC 7763 64-Core Processor", "Common KVM processor", code=1)
    assert [answer["match"] is None for answer in two] == [False, True]
    assert two[1]["reason"]


def test_estimate(terminal: Terminal) -> None:
    document = terminal.document("estimate", "--hours", "36", "--util", "40..60", "--tdp", "280", "--memory-gb", "256")
    has(document, "power_w", "power_low_w", "power_high_w", "energy_wh", "energy_low_wh", "energy_high_wh", "co2e_g",
        "boundary", "method", "terms", "warnings")  # fmt: skip
    has(document["terms"][0], "what", "power_w", "low_w", "high_w", "formula", "source")


def test_log(terminal: Terminal) -> None:
    document = terminal.document("log", str(EXAMPLE / "estimated" / "jobs.csv"))
    has(document, "entries", "recorded", "problems")
    has(document["entries"][0], "line", "power_w", "power_low_w", "power_high_w", "energy_wh", "energy_low_wh",
        "energy_high_wh", "co2e_g", "method", "boundary", "warnings")  # fmt: skip
    assert document["recorded"] == {"new": 6, "known": 0}
    assert terminal.document("log", str(EXAMPLE / "estimated" / "jobs.csv"))["recorded"] == {"new": 0, "known": 6}


def test_a_bad_line_refuses_the_whole_file(terminal: Terminal) -> None:
    jobs = terminal.place / "bad.csv"
    jobs.write_text("start,hours,threads,util\n2026-10-01,1,4,50\n2026-10-01,1,4,150\n2026-10-01,-2,4,50\n")
    document = terminal.document("log", str(jobs), "--dry-run", code=1)
    assert [(p["line"], p["field"]) for p in document["problems"]] == [(3, "util"), (4, "hours")]
    assert document["recorded"] == {"new": 0, "known": 0}
    jobs.unlink()


@pytest.mark.usefixtures("run_document")
def test_report(terminal: Terminal) -> None:
    document = terminal.document("report", "--month", "2026-10", "--by", "project", "--by", "platform")
    has(document, "period", "as_of", "watermark", "total", "by_basis", "by", "claims", "coverage", "gaps", "factors",
        "warnings")  # fmt: skip
    has(document["period"], "start", "end", "zone")
    has(document["total"], "energy_j", "energy_low_j", "energy_high_j", "co2e_g", "co2e_low_g", "co2e_high_g")
    assert set(document["total"]["co2e_g"]) >= {"location", "market"}
    assert set(document["by_basis"]) == {"provided", "measured", "estimated"}
    assert set(document["by"]) == {"project", "platform"}
    has(document["by"]["project"][0], "key", "energy_j", "co2e_g", "by_basis")
    has(document["coverage"], "known_host_hours", "expected_host_hours", "share")


@pytest.mark.usefixtures("run_document")
def test_explain(terminal: Terminal) -> None:
    document = terminal.document("explain", "last")
    assert isinstance(document, dict)
    assert "tree" in document or "readings" in document


def test_ledger_show_and_verify(terminal: Terminal, run_document: dict[str, Any]) -> None:
    document = terminal.document("ledger", "show")
    has(document, "entries", "runs", "statements")
    (run,) = [r for r in document["runs"] if r["run_id"] == run_document["run_id"]]
    has(run, "run_id", "start", "end", "complete", "energy_j", "energy_low_j", "energy_high_j", "project", "phase")
    assert (run["complete"], run["project"], run["phase"]) == (True, "ner", "dev")
    assert run["energy_j"] == pytest.approx(run_document["energy_j"])
    terminal.document("ledger", "verify")


def test_plugins(terminal: Terminal) -> None:
    document = terminal.document("plugins")
    assert {"csp", "nvidia_smi", "powermetrics", "tdp", "turbostat"} <= {row["plugin"] for row in document["plugins"]}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["report", "--month", "2026-13"], 2, "month"),
        (["estimate", "--hours", "-1", "--util", "50", "--threads", "4"], 2, "hours"),
        (["estimate", "--hours", "1", "--util", "101", "--threads", "4"], 2, "utilisation"),
        (["import", "no-such-file"], 1, "no-such-file"),
        (["import", "home"], 1, "home"),
        (["run", "--interval", "0", "--", "true"], 2, "interval"),
        (["run", "--", "no-such-command-here"], 127, "no-such-command-here"),
        (["run", "--project", "a\nb", "--", "true"], 2, "project"),
        (["doctor", "--config", "none.toml"], 2, "none.toml"),
        (["explain", "no-such-run"], 1, "no-such-run"),
        (["imoprt", "x"], 2, "import"),
        (["ledger", "show", "--ledger", str(ROOT / "README.md")], 1, "README.md"),
    ],
)
def test_bad_input_is_one_sentence(terminal: Terminal, arguments: list[str], code: int, sentence: str) -> None:
    done = terminal(*arguments, code=code)
    assert sentence in done.stderr
    assert done.stdout == ""


def test_a_foreign_file_is_never_overwritten(terminal: Terminal) -> None:
    foreign = terminal.place / "foreign.db"
    foreign.write_bytes(b"this is not a book, but somebody's letter\n" * 100)
    before = foreign.read_bytes()
    for verb in (["ledger", "show"], ["log", "--hours", "1", "--threads", "4", "--util", "50"]):
        terminal(*verb, "--ledger", str(foreign), code=1)
    assert foreign.read_bytes() == before
    foreign.unlink()
