"""``chip``, ``estimate`` and ``log`` from outside, with an estimator and a catalogue of the tests' own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import wattbook
from click.testing import CliRunner, Result
from wattbook import plugins
from wattbook.cli import main
from wattbook.model import Activity, Basis, Gap, Identity, Reading, Term
from wattbook.plugins import Plugins, gather


class Thumb:
    """100 W at full load and 20 at idle for a host, half as much for a GPU; knows three names."""

    @staticmethod
    @wattbook.hookimpl
    def estimate(gaps: list[Gap], activity: Activity, config: object) -> Iterator[Reading | Gap]:
        for gap in gaps:
            gpu = gap.domain.device.startswith("gpu")
            if gpu and activity.host.gpus[0].name == "NVIDIA X1":
                yield Gap(domain=gap.domain, window=gap.window, reason="NVIDIA X1: unknown")
                continue
            (load,) = activity.of("gpu:0" if gpu else "cpu")
            full = 50.0 if gpu else 100.0
            power_w = full * (0.2 + 0.8 * load.middle)
            seconds = activity.window.duration_s
            yield Reading(
                domain=gap.domain, window=activity.window, basis=Basis.ESTIMATED, energy_j=power_w * seconds,
                low_j=0.5 * power_w * seconds, high_j=2 * power_w * seconds, source="thumb",
                cause=f"model:thumb.{gap.domain.name}", method="rule of thumb",
                terms=(Term(what="all", power_w=power_w, low_w=power_w / 2, high_w=power_w * 2, formula="20 + 80 u",
                            source="a thumb"),),
            )  # fmt: skip

    @staticmethod
    @wattbook.hookimpl
    def identify(name: str, kind: str | None, config: object) -> Iterator[Identity]:
        if name == "ACME X1":
            yield Identity(query=name, kind="cpu", match="ACME X1", tdp_w=100.0, threads=8, confidence="vendor")
        elif name == "acme.large":
            yield Identity(
                query=name, kind="instance", match=name, threads=4, memory_gb=16, cpu="ACME X1", gpus=("G", "G")
            )
        else:
            yield Identity(query=name, kind=kind, reason="not in the catalogue of the tests")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    config = tmp_path / "config.toml"
    config.write_text('[site]\nzone = "SG"\n')
    monkeypatch.setattr(plugins, "installed", lambda tables=None: gather([("thumb", Thumb())], tables))
    monkeypatch.delenv("WATTBOOK_LEDGER", raising=False)

    def call(*arguments: str, **options: Any) -> Result:
        verb, *rest = arguments
        common = ["--config", str(config), "--ledger", str(tmp_path / "book.db")]
        result = CliRunner().invoke(main, [verb, *common, *rest], **options)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            if isinstance(result.exception, wattbook.WattbookError):
                result.exit_code = 1
                result.stderr_bytes = (result.stderr_bytes or b"") + f"wattbook: {result.exception}".encode()
            else:
                raise result.exception
        return result

    return call


def document(result: Result) -> Any:
    return json.loads(result.stdout)


# --- estimate ------------------------------------------------------------------------------------


def test_an_estimate_has_the_documented_keys(run: Any) -> None:
    found = document(run("estimate", "--hours", "10", "--util", "50", "--tdp", "100", "--json"))
    for key in ("power_w", "power_low_w", "power_high_w", "energy_wh", "energy_low_wh", "energy_high_wh", "co2e_g",
                "boundary", "method", "terms", "warnings"):  # fmt: skip
        assert key in found
    assert found["power_w"] == pytest.approx(60)
    assert found["energy_wh"] == pytest.approx(600)
    assert found["power_low_w"] < found["power_w"] < found["power_high_w"]
    assert found["co2e_g"] == pytest.approx(0.6 * found["factor"]["g_per_kwh"])
    assert found["boundary"] == "wall"
    assert set(found["terms"][0]) == {"what", "power_w", "low_w", "high_w", "formula", "source", "family"}


def test_terms_add_up_to_the_power(run: Any) -> None:
    arguments = (
        "--util",
        "50",
        "--tdp",
        "100",
        "--gpu",
        "G",
        "--gpu-count",
        "4",
        "--gpu-util",
        "60..80",
        "--count",
        "3",
    )
    found = document(run("estimate", "--hours", "1", *arguments, "--json"))
    assert sum(term["power_w"] for term in found["terms"]) == pytest.approx(found["power_w"])
    assert found["power_w"] == pytest.approx(3 * (60 + 4 * 50 * (0.2 + 0.8 * 0.7)))


def test_energy_is_linear_in_hours(run: Any) -> None:
    one, ten = (document(run("estimate", "--hours", h, "--util", "50", "--tdp", "9", "--json")) for h in ("1", "10"))
    assert ten["energy_high_wh"] == pytest.approx(10 * one["energy_high_wh"])
    assert ten["power_w"] == one["power_w"]


def test_a_missing_utilisation_is_said(run: Any) -> None:
    found = document(run("estimate", "--hours", "1", "--tdp", "100", "--json"))
    assert any("util" in warning for warning in found["warnings"])


def test_accelerators_alone_leave_the_machine_out_and_say_so(run: Any) -> None:
    found = document(run("estimate", "--hours", "1", "--gpu", "G", "--gpu-util", "100", "--json"))
    assert found["power_w"] == pytest.approx(50)
    assert any("not counted" in warning for warning in found["warnings"])


def test_an_instance_type_brings_its_accelerators(run: Any) -> None:
    found = document(
        run("estimate", "--hours", "1", "--instance", "acme.large", "--util", "0", "--gpu-util", "100", "--json")
    )
    assert found["power_w"] == pytest.approx(20 + 2 * 50)


def test_explain_prints_formula_and_source(run: Any) -> None:
    printed = run("estimate", "--hours", "1", "--util", "50", "--tdp", "100", "--explain").stdout
    assert "20 + 80 u" in printed
    assert "a thumb" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("--util", "150", "--tdp", "100"),
        ("--util", "80..60", "--tdp", "100"),
        ("--util", "50", "--tdp", "0"),
        ("--util", "50", "--tdp", "5000"),
        ("--util", "50", "--tdp", "100", "--sockets", "1.5"),
        ("--util", "50", "--threads", "x"),
        ("--util", "50",),
        ("--util", "50", "--cpu", "ACME X1", "--tdp", "250"),
        ("--util", "50", "--cpu", "ACME X1", "--threads", "9"),
        ("--util", "50", "--instance", "acme.large", "--threads", "99"),
        ("--util", "50", "--instance", "acme.large", "--memory-gb", "900"),
        ("--util", "50", "--instance", "acme.large", "--gpu-count", "3"),
        ("--util", "50", "--instance", "nobody.large"),
        ("--gpu", "NVIDIA X1"),
        ("--util", "50", "--tdp", "100", "--region", "mars-east-1"),
        ("--util", "50", "--tdp", "100", "--site", "nowhere"),
    ],
)  # fmt: skip
def test_bad_options_end_with_a_sentence(run: Any, arguments: tuple[str, ...]) -> None:
    result = run("estimate", "--hours", "1", *arguments)
    assert result.exit_code in (1, 2)
    assert result.stdout == ""


def test_negative_hours_end_with_a_sentence(run: Any) -> None:
    result = run("estimate", "--hours", "-1", "--util", "50", "--tdp", "100")
    assert result.exit_code == 2
    assert "hours" in result.stderr


def test_without_an_estimator_the_remedy_is_named(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "installed", lambda tables=None: Plugins(manager=plugins.manager()))
    result = run("estimate", "--hours", "1", "--util", "50", "--tdp", "100")
    assert result.exit_code == 1
    assert "wattbook-tdp" in result.stderr


# --- chip ----------------------------------------------------------------------------------------


def test_one_name_gives_one_object(run: Any) -> None:
    result = run("chip", "ACME X1", "--json")
    assert result.exit_code == 0
    found = document(result)
    assert (found["match"], found["tdp_w"], found["confidence"]) == ("ACME X1", 100.0, "vendor")
    for key in ("query", "kind", "match", "tdp_w", "cores", "year", "confidence", "source", "reason"):
        assert key in found


def test_several_names_give_a_list_in_their_order_and_exit_1_where_one_is_unknown(run: Any) -> None:
    result = run("chip", "nobody", "ACME X1", "--json")
    assert result.exit_code == 1
    assert [chip["match"] for chip in document(result)] == [None, "ACME X1"]
    assert document(result)[0]["reason"]
    assert document(result)[0]["tdp_w"] is None


def test_names_come_from_stdin_one_a_line(run: Any) -> None:
    result = run("chip", "-", "--json", input="ACME X1\n\nnobody\r\n")
    assert [chip["query"] for chip in document(result)] == ["ACME X1", "nobody"]


# --- log -----------------------------------------------------------------------------------------

JOBS = """start,hours,project,phase,tdp_w,util,gpu,gpu_count,gpu_util,region,team
2026-10-05T10:00:00+08:00,6,a,train,100,50,,,,,blue
2026-10-05T10:00:00+08:00,6,a,train,100,50,,,,,blue
2026-10-06T10:00:00+08:00,2,b,ci,100,ci,G,8,60..80,ap-southeast-1,
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.csv"
    path.write_text(JOBS)
    return path


def test_a_file_is_booked_line_by_line(run: Any, jobs: Path) -> None:
    result = run("log", str(jobs), "--json")
    assert result.exit_code == 0, result.stderr
    found = document(result)
    assert [entry["line"] for entry in found["entries"]] == [2, 3, 4]
    assert found["recorded"] == {"new": 3, "known": 0}
    assert found["problems"] == []
    assert found["entries"][0]["energy_wh"] == pytest.approx(360)


def test_logging_the_same_file_twice_books_nothing_new(run: Any, jobs: Path) -> None:
    run("log", str(jobs))
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 0, "known": 3}


def test_a_longer_file_books_only_what_is_new(run: Any, jobs: Path) -> None:
    run("log", str(jobs))
    jobs.write_text(JOBS + "2026-10-07T10:00:00+08:00,1,c,eval,100,50,,,,,\n")
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 1, "known": 3}


def test_lines_without_a_start_are_booked_once(run: Any, jobs: Path) -> None:
    jobs.write_text("hours,tdp_w,util\n1,100,50\n2,100,50\n")
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 2, "known": 0}
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 0, "known": 2}


def test_a_file_logged_again_after_the_models_changed_counts_once(
    run: Any, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("log", str(jobs))
    thumb = Thumb.estimate

    class Other(Thumb):
        @staticmethod
        @wattbook.hookimpl
        def estimate(gaps: list[Gap], activity: Activity, config: object) -> Iterator[Reading | Gap]:
            for found in thumb(gaps, activity, config):
                assert isinstance(found, Reading)
                yield attrs.evolve(found, energy_j=found.energy_j * 1.1)

    monkeypatch.setattr(plugins, "installed", lambda tables=None: gather([("thumb", Other())], tables))
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 0, "known": 3}


def test_one_bad_line_refuses_the_whole_file(run: Any, jobs: Path) -> None:
    jobs.write_text(JOBS + "2026-10-07T10:00:00+08:00,-1,c,eval,100,50,,,,,\n")
    result = run("log", str(jobs))
    assert result.exit_code == 1
    assert f"{jobs}:5 [hours]" in result.stderr
    assert document(run("log", str(jobs), "--dry-run", "--json"))["problems"][0]["line"] == 5
    jobs.write_text(JOBS)
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 3, "known": 0}


def test_a_dry_run_lists_every_bad_line_and_records_nothing(run: Any, jobs: Path) -> None:
    jobs.write_text("hours,tdp_w,util\n1,100,50\n-1,100,50\n1,0,50\n1,100,500\n1,,50\n")
    result = run("log", str(jobs), "--dry-run", "--json")
    assert result.exit_code == 1
    assert [(p["line"], p["field"]) for p in document(result)["problems"]] == [
        (3, "hours"),
        (4, "tdp_w"),
        (5, "util"),
        (6, None),
    ]


def test_a_dry_run_of_a_good_file_records_nothing(run: Any, jobs: Path) -> None:
    assert document(run("log", str(jobs), "--dry-run", "--json"))["recorded"] == {"new": 0, "known": 0}
    assert document(run("log", str(jobs), "--json"))["recorded"] == {"new": 3, "known": 0}


def test_options_book_one_figure(run: Any) -> None:
    arguments = ("--hours", "36", "--gpu", "G", "--gpu-count", "4", "--gpu-util", "60..80", "--project", "x")
    found = document(run("log", *arguments, "--start", "2026-10-05T10:00+08:00", "--tag", "team=blue", "--json"))
    assert found["recorded"] == {"new": 1, "known": 0}
    assert found["entries"][0]["line"] is None


def test_a_file_comes_from_stdin(run: Any) -> None:
    found = document(run("log", "-", "--json", input=JOBS))
    assert found["recorded"]["new"] == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02\x03",
        b"\xff\xfeh\x00o\x00",
        b"hours,tdp_w\n1,\xff\xff\n",
        b"hours,tdp_w\n",
        b"month,kg\n2026-10,5\n",
        b"PK\x03\x04 not a table",
    ],
)
def test_what_is_no_jobs_csv_is_refused(run: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    result = run("log", str(path))
    assert result.exit_code == 1
    assert result.stderr


def test_a_missing_file_is_one_sentence(run: Any) -> None:
    result = run("log", "/nowhere/jobs.csv")
    assert result.exit_code == 1
    assert "/nowhere/jobs.csv" in result.stderr


def test_a_file_and_options_exclude_each_other(run: Any, jobs: Path) -> None:
    assert run("log", str(jobs), "--hours", "3").exit_code == 2
    assert run("log").exit_code == 2


def test_the_template_is_a_file_that_can_be_logged(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    assert run("log", "--template", str(path)).exit_code == 0
    assert path.read_text().startswith("start,hours,")
    assert run("log", "--template", str(path)).exit_code == 1, "an existing file is left alone"


def test_many_figures_are_one_document_and_told_as_their_sum(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("start,hours,tdp_w,util\n" + "2026-10-05,1,100,50\n" * 1500)
    found = document(run("log", str(path), "--dry-run", "--json"))
    assert len(found["entries"]) == 1500
    assert found["recorded"] == {"new": 0, "known": 0}
    told = run("log", str(path), "--dry-run").stdout
    assert told.startswith("1500 figures: 90 ")
    assert "kWh" in told
