"""``wattbook import``: what it prints, what it records, and what it refuses without recording anything."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wattbook
from click.testing import CliRunner, Result
from wattbook.cli import entry, main
from wattbook.errors import ImportFailed, WattbookError
from wattbook.ledger.store import Ledger
from wattbook.model import Domain, Importer, ImportSource, Recording
from wattbook.plugins import gather
from wattbook.recording import RecordingBuilder
from wattbook.testing.ledger import a_statement

START = datetime(2026, 10, 1, 8, tzinfo=UTC)
PACKAGE = Domain(device="cpu:0", name="package")
CORE = Domain(device="cpu:0", name="core", within="cpu:0/package")


def meter(source: ImportSource) -> Iterator[Recording]:
    """Lines of seconds and watts; without seconds the recording has no times."""
    for file in source.files:
        builder = RecordingBuilder(format="meter", source="meter", error=0.1, hardware="lab box")
        begin = source.start or START
        with file.open() as stream:
            for number, line in enumerate(stream, start=1):
                if number == 1:
                    continue
                at, watts = line.split()
                seconds = source.interval_s if at == b"-" else float(at)
                end = None if seconds is None or (at == b"-" and source.start is None) else begin
                if end is not None:
                    assert seconds is not None
                    begin = end = end + timedelta(seconds=seconds)
                power = {PACKAGE: float(watts), CORE: float(watts) / 2}
                builder.add(power, end=end, elapsed_s=seconds, line=number)
        yield builder.build()


def bill(source: ImportSource) -> Iterator[Any]:
    """Lines of month, account, version, scope, method, kilograms."""
    for file in source.files:
        with file.open() as stream:
            for number, line in enumerate(stream, start=1):
                if number == 1:
                    continue
                try:
                    month, account, version, scope, method, kg = line.decode().split()
                except ValueError:
                    raise ImportFailed("six words were expected", path=file.path, line=number) from None
                yield a_statement(
                    kg, month=month, account=source.account or account, version=int(version), scope=scope, method=method
                )


@wattbook.hookimpl
def import_provided(source: ImportSource, config: object) -> list[Importer]:
    return [
        Importer(format="meter", basis=wattbook.Basis.MEASURED, sniff=lambda f: f.head.startswith(b"meter"), read=meter),
        Importer(
            format="bill", basis=wattbook.Basis.PROVIDED, sniff=lambda f: f.head.startswith(b"bill"), read=bill,
            gathers=True,
        ),
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = ModuleType("fake")
    plugin.import_provided = import_provided  # type: ignore[attr-defined]
    monkeypatch.setattr("wattbook.plugins.installed", lambda tables=None: gather([("fake", plugin)]))
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "ledger.db"))
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WATTBOOK_CONFIG", str(tmp_path / "wattbook.toml"))
    (tmp_path / "wattbook.toml").write_text('[site]\nzone = "SG"\n[defaults]\nproject = "ner"\n')


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


Write = Callable[[str, str], str]
METER = "meter\n10 100\n30 200\n"
BILL = (
    "bill\n2026-01 a1 1 total location 3164.203000\n2026-01 a1 1 1 unsplit 64.203\n"
    "2026-01 a1 1 2 location 3000\n2026-01 a1 1 3 location 100\n2026-02 a1 1 1 unsplit 1\n2026-02 a1 1 2 market 2\n"
)


def run(*args: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["import", *args], input=input)


def imported(*args: str) -> list[Any]:
    result = run("--json", *args)
    assert result.exit_code == 0, (result.output, result.exception)
    documents: list[Any] = json.loads(result.stdout)["imported"]
    return documents


def refused(*args: str) -> str:
    """A sentence, exit 1, and a book as it was before."""
    result = run(*args)
    assert isinstance(result.exception, WattbookError), result.output
    assert result.stdout == ""
    return str(result.exception)


def book() -> Ledger:
    return Ledger.open()


def test_a_recording_is_described_as_documented(write: Write) -> None:
    path = write("m.txt", METER)
    (document,) = imported(path)
    assert {key: document[key] for key in document if key not in ("sha256",)} == {
        "paths": [path], "format": "meter", "plugin": "fake", "basis": "measured",
        "hardware": "lab box", "tool_version": None, "samples": 2,
        "start": "2026-10-01T08:00:00.000000Z", "end": "2026-10-01T08:00:40.000000Z", "duration_s": 40.0,
        "mean_power_w": {"total": 175.0, "package": 175.0, "core": 87.5},
        "energy_j": {"total": 7000.0, "package": 7000.0, "core": 3500.0},
        "entries": {"new": 2, "known": 0}, "problems": [], "warnings": [],
    }  # fmt: skip


def test_a_recording_goes_to_the_book_with_its_pedigree(write: Write) -> None:
    (document,) = imported(write("m.txt", METER), "--phase", "train", "--platform", "lab", "--tag", "gpu=none")
    with book() as ledger:
        core, package = ledger.entries()
        (told,) = ledger.runs()
    assert (package.outermost, core.outermost) == (True, False)
    assert (package.basis, package.plugin, package.host) == ("measured", "fake", "lab box")
    assert package.evidence_sha256 == document["sha256"]
    assert (package.labels.project, package.labels.phase, package.labels.platform) == ("ner", "train", "lab")
    assert package.labels.tags == {"gpu": "none"}
    assert package.place.zone == "SG"
    assert package.low_j is not None
    assert (told.kind, told.run_id) == ("import", f"import:{document['sha256'][:32]}")


def test_importing_twice_is_importing_once(write: Write) -> None:
    path, other = write("m.txt", METER), write("copy.txt", METER)
    imported(path)
    assert imported(other)[0]["entries"] == {"new": 0, "known": 2}
    with book() as ledger:
        assert ledger.count() == 2


def test_importing_again_with_another_label_corrects_and_adds_nothing(write: Write) -> None:
    path = write("m.txt", METER)
    imported(path)
    (document,) = imported(path, "--project", "asr", "--host", "gpu-1")
    assert document["entries"] == {"new": 2, "known": 0}
    assert "corrected" in document["warnings"][0]
    with book() as ledger:
        assert {(e.labels.project, e.host) for e in ledger.entries()} == {("asr", "gpu-1")}
        assert len(ledger.entries()) == 2
    assert imported(path)[0]["entries"] == {"new": 2, "known": 0}
    with book() as ledger:
        assert {(e.labels.project, e.host) for e in ledger.entries()} == {("ner", "lab box")}


def test_a_bill_is_described_as_documented(write: Write) -> None:
    result = run("--json", write("b.txt", BILL))
    assert '"location": 3164.203,' in result.stdout
    document = json.loads(result.stdout, parse_float=Decimal)["imported"][0]
    assert document["co2e_kg"] == {"location": Decimal("3164.203"), "market": 3, "unsplit": None}
    assert document["by_month"] == {
        "2026-01": {
            "location": Decimal("3164.203"), "market": None, "unsplit": None, "scope1": Decimal("64.203"),
            "scope2_location": 3000, "scope2_market": None, "scope3_location": 100, "scope3_market": None,
        },
        "2026-02": {
            "location": None, "market": 3, "unsplit": None, "scope1": 1, "scope2_location": None, "scope2_market": 2,
            "scope3_location": None, "scope3_market": None,
        },
    }  # fmt: skip
    assert document["statements"] == {"new": 6, "known": 0, "superseded": 0}
    assert (document["provider"], document["accounts"], document["completeness"]) == ("acme", ["a1"], "complete")


def test_a_newer_bill_supersedes_the_month_and_an_older_one_is_refused(write: Write) -> None:
    old = write("old.txt", "bill\n2026-01 a1 1 total location 10\n2026-01 a1 1 total market 5\n")
    new = write("new.txt", "bill\n2026-01 a1 2 total location 11\n")
    imported(old)
    assert imported(new)[0]["statements"] == {"new": 1, "known": 0, "superseded": 2}
    older = write("older.txt", "bill\n2026-01 a1 0 total location 9\n")
    assert "newer" in refused(older)
    assert imported(older, "--force")[0]["statements"]["new"] == 1
    with book() as ledger:
        assert [s.co2e_kg for s in ledger.statements()] == [9]


def test_pages_of_one_folder_are_one_import(write: Write, tmp_path: Path) -> None:
    write("in/1.txt", "bill\n2026-01 a1 1 total location 10\n")
    write("in/2.txt", "bill\n2026-02 a1 1 total location 20\n")
    write("in/readme", "hello\n")
    (document,) = imported(str(tmp_path / "in"))
    assert len(document["paths"]) == 2
    assert document["co2e_kg"]["location"] == 30
    assert [Path(p["path"]).name for p in document["problems"]] == ["readme"]


def test_a_dry_run_records_nothing_and_makes_no_book(write: Write, tmp_path: Path) -> None:
    documents = imported(write("m.txt", METER), write("b.txt", BILL), "--dry-run")
    assert [d["basis"] for d in documents] == ["measured", "provided"]
    assert documents[0]["entries"] == {"new": 0, "known": 0}
    assert not (tmp_path / "ledger.db").exists()


def test_one_bad_file_refuses_the_whole_command(write: Write) -> None:
    said = refused(write("m.txt", METER), write("b.txt", "bill\n2026-01 a1\n"))
    assert "b.txt:2: six words" in said
    imported(write("m.txt", METER))
    older = write("b2.txt", "bill\n2026-01 a1 1 total location 9\n")
    imported(write("b1.txt", "bill\n2026-01 a1 2 total location 9\n"))
    refused(write("n.txt", "meter\n5 5\n"), older)
    with book() as ledger:
        assert ledger.count() == 2


def test_a_recording_without_times_is_only_looked_at(write: Write, tmp_path: Path) -> None:
    path = write("m.txt", "meter\n- 100\n- 300\n")
    assert "--interval-s" in refused(path)
    (document,) = imported(path, "--dry-run")
    assert (document["samples"], document["mean_power_w"]["total"], document["energy_j"]) == (2, 200.0, None)
    assert imported(path, "--interval-s", "5", "--dry-run")[0]["energy_j"]["total"] == 2000.0
    (document,) = imported(path, "--interval-s", "5", "--start", "2026-10-01T16:00:00", "--timezone", "Asia/Singapore")
    assert (document["start"], document["energy_j"]["total"]) == ("2026-10-01T08:00:00.000000Z", 2000.0)


def test_a_recording_that_does_not_say_when_ended_when_its_file_was_written(write: Write) -> None:
    path, copy = write("m.txt", "meter\n- 100\n- 300\n"), write("copy.txt", "meter\n- 100\n- 300\n")
    os.utime(path, (1_790_000_000, 1_790_000_000))
    os.utime(copy, (1_790_500_000, 1_790_500_000))
    (document,) = imported(path, "--interval-s", "5")
    assert (document["start"], document["end"]) == ("2026-09-21T14:13:10.000000Z", "2026-09-21T14:13:20.000000Z")
    assert "--start" in document["warnings"][0]
    for again in (path, copy):
        assert imported(again, "--interval-s", "5")[0]["entries"] == {"new": 0, "known": 2}
    assert imported(path, "--interval-s", "5", "--start", "2026-10-01T08:00:00Z")[0]["entries"]["new"] == 2
    with book() as ledger:
        assert {e.start for e in ledger.entries()} == {"2026-10-01T08:00:00.000000Z"}


def test_what_comes_through_stdin_is_imported() -> None:
    """The runner gives no file descriptor, so this is a process of its own."""
    import subprocess
    import sys

    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import wattbook.plugins as p, importlib.util as u\n"
        "spec = u.spec_from_file_location('t', sys.argv.pop(1)); t = u.module_from_spec(spec); spec.loader.exec_module(t)\n"
        "from types import ModuleType; f = ModuleType('fake'); f.import_provided = t.import_provided\n"
        "p.installed = lambda tables=None: p.gather([('fake', f)])\n"
        "from wattbook.cli import entry; entry(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), __file__, "import", "-", "--json"],
        input=METER, capture_output=True, text=True, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (document,) = json.loads(done.stdout)["imported"]
    assert (document["paths"], document["entries"]["new"]) == (["-"], 2)


@pytest.mark.parametrize(
    "args",
    [
        ["--interval-s", "0"],
        ["--interval-s", "nan"],
        ["--interval-s", "-3"],
        ["--start", "yesterday"],
        ["--timezone", "Mars/Olympus"],
        ["--phase", "sleep"],
        ["--tag", "novalue"],
        ["--map", "=x"],
        ["--decimal", ";"],
    ],
)
def test_a_wrong_option_is_wrong_usage(write: Write, args: list[str]) -> None:
    assert run(write("m.txt", METER), *args).exit_code == 2


def test_no_path_is_wrong_usage() -> None:
    assert run().exit_code == 2


def test_an_unknown_format_is_wrong_usage(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry(["import", write("m.txt", METER), "--format", "metre"])
    assert ended.value.code == 2
    assert "bill, meter" in capsys.readouterr().err


def test_a_refusal_is_one_sentence_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry(["import", str(tmp_path / "missing"), "--json"])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "missing" in err


def test_people_get_one_line_an_import(write: Write) -> None:
    result = run(write("m.txt", METER), write("b.txt", BILL))
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert "175 W" in first
    assert "entries 2 new, 0 known" in first
    assert "location 3.16 t" in second


def test_the_account_of_the_user_goes_to_the_importer(write: Write) -> None:
    assert imported(write("b.txt", BILL), "--account", "mine")[0]["accounts"] == ["mine"]


def test_made_up_figures_are_marked(write: Write) -> None:
    imported(write("m.txt", METER), write("b.txt", BILL), "--synthetic")
    with book() as ledger:
        assert all(e.synthetic for e in ledger.entries())


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_exported_book_is_imported_to_the_identical_book(
    write: Write, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(write("m.txt", METER), write("b.txt", BILL))
    out = str(tmp_path / f"book.{form}")
    runner = CliRunner()
    assert runner.invoke(main, ["ledger", "export", "--format", form, "-o", out]).exit_code == 0
    before = runner.invoke(main, ["ledger", "export"]).stdout
    monkeypatch.setenv("WATTBOOK_LEDGER", str(tmp_path / "copy.db"))
    assert imported(out, "--dry-run")[0]["entries"] == {"new": 0, "known": 0}
    assert not (tmp_path / "copy.db").exists()
    assert imported(out)[0]["entries"] == {"new": 2, "known": 0}
    assert imported(out)[0]["statements"] == {"new": 0, "known": 6, "superseded": 0}
    assert runner.invoke(main, ["ledger", "export"]).stdout == before


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_that_was_cut_or_edited_is_refused(write: Write, tmp_path: Path, form: str) -> None:
    imported(write("m.txt", METER), write("b.txt", BILL))
    out = tmp_path / f"book.{form}"
    CliRunner().invoke(main, ["ledger", "export", "--format", form, "-o", str(out)])
    text = out.read_text()
    other = ["--ledger", str(tmp_path / "copy.db")]
    out.write_text(text[: len(text) // 2])
    assert "book" in refused(str(out), *other)
    out.write_text("".join(text.splitlines(keepends=True)[:-1]))
    assert "cut" in refused(str(out), *other)
    out.write_text(text.replace("3500.0", "3.0"))
    assert "hash" in refused(str(out), *other)
    out.write_text(text.replace("3164.203", "3.203"))
    assert "hash" in refused(str(out), *other)
    with Ledger.open(tmp_path / "copy.db") as ledger:
        assert (ledger.count(), ledger.runs(), ledger.statements()) == (0, [], [])


def test_another_recording_of_the_same_hours_is_told(write: Write) -> None:
    imported(write("m.txt", METER))
    (document,) = imported(write("n.txt", "meter\n10 90\n30 210\n"))
    assert "reports count it once" in document["warnings"][0]
