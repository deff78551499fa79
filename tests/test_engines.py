"""The Parquet folder: read back it is the same book, and on another engine its plain sums are the report's totals."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wattbook.cli import main
from wattbook.config import load
from wattbook.ledger.store import Ledger
from wattbook.records import utc_text
from wattbook.testing.ledger import a_run, a_snapshot, a_statement, an_entry, text_of

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "examples" / "team-sg" / "team.toml"
DOCUMENT = ROOT / "docs" / "how-to-share.md"
EDGE = datetime(2026, 10, 31, 15, tzinfo=UTC)  #: an hour before the month ends in Singapore


def statements_in_the_docs() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)


TOTALS, VIEW = statements_in_the_docs()


def run(*args: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example team, and whatever a report counts less of than the book holds."""
    folder = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATTBOOK_STATE", str(folder / "state"))
        run("demo", "--quiet", "--keep", str(folder / "book.db"))
    hours = {"start": utc_text(EDGE), "end": utc_text(EDGE + timedelta(hours=4))}
    with Ledger.open(folder / "book.db") as ledger:
        wrong = an_entry(0, host="x", energy_j=9e9, low_j=None, high_j=None)
        ledger.add(
            [
                an_entry(0, host="x", domain="core", outermost=False),
                an_entry(0, host="x", run_id="second", basis="estimated", energy_j=7e6, low_j=None, high_j=None),
                an_entry(5, host="x", kind="gap", basis=None, energy_j=None, low_j=None, high_j=None, reason="?"),
                an_entry(host="x", run_id="edge", energy_j=4e7, low_j=None, high_j=None, **hours),
                wrong,
                an_entry(
                    0, host="x", energy_j=3.6e7, low_j=None, high_j=None, supersedes=wrong.entry_id, reason="scale"
                ),
            ],
            [a_run(), a_run("second"), a_run("edge", **hours)],
        )
        ledger.add_statements([a_statement("3.25", month="2026-09", method="unsplit")], a_snapshot())
    return folder / "book.db"


@pytest.fixture(scope="session")
def folder(book: Path) -> Path:
    target = book.with_name("book.parquet")
    run("ledger", "export", "--format", "parquet", "-o", str(target), "--ledger", str(book), "--config", str(CONFIG))
    return target


def reported(book: Path, month: str) -> tuple[float | None, ...]:
    told = json.loads(run("report", "--month", month, "--json", "--ledger", str(book), "--config", str(CONFIG)))
    total = told["total"]
    energy, grams = total["energy_j"], total["co2e_g"]
    return tuple(
        None if value is None else value / scale
        for value, scale in (
            (energy, 3_600_000), (grams["location"], 1000), (grams["market"], 1000), (grams.get("unsplit"), 1000),
        )
    )  # fmt: skip


def assert_the_sums_are_the_books(rows: list[tuple[Any, ...]], book: Path) -> None:
    assert [row[0] for row in rows] == ["2026-09", "2026-10", "2026-11"]
    for month, *sums in rows:
        told = reported(book, month)
        for mine, theirs in zip(sums, told, strict=True):
            assert mine == (None if theirs is None else pytest.approx(theirs, rel=1e-12))


def test_duckdb_gives_the_books_totals(book: Path, folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as connection:
        connection.execute(VIEW.replace("book.parquet", str(folder)))
        assert_the_sums_are_the_books(connection.execute(TOTALS).fetchall(), book)


def test_spark_on_a_cluster_gives_the_books_totals(
    book: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers of their own processes; pyspark is too heavy for the test extra, so ``.ci/run`` installs it."""
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed: pip install pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java on the PATH")
    from pyspark.sql import SparkSession

    for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON"):
        monkeypatch.setenv(name, sys.executable)
    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("SPARK_LOCAL_HOSTNAME", "localhost")
    monkeypatch.chdir(tmp_path)  # Spark leaves things where it runs
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("wattbook")
    for key, value in (("spark.ui.enabled", "false"), ("spark.executor.memory", "512m"),
                       ("spark.sql.shuffle.partitions", "2")):  # fmt: skip
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    try:
        spark.read.parquet(str(folder / "counted")).createOrReplaceTempView("counted")
        assert_the_sums_are_the_books([tuple(row) for row in spark.sql(TOTALS).collect()], book)
    finally:
        spark.stop()


def test_the_folder_is_read_back_to_the_identical_book(book: Path, folder: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run("import", str(folder), "--ledger", str(tmp_path / "copy.db"))
    with Ledger.open(book) as one, Ledger.open(tmp_path / "copy.db") as two:
        assert text_of(one) == text_of(two)
    assert json.loads(run("ledger", "verify", "--json", "--ledger", str(book), code=1))["problems"] == json.loads(
        run("ledger", "verify", "--json", "--ledger", str(tmp_path / "copy.db"), code=1)
    )["problems"]  # fmt: skip


def test_a_folder_with_a_month_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.parquet"
    shutil.copytree(folder, cut)
    shutil.rmtree(next((cut / "book" / "entry").iterdir()))
    run("import", str(cut), "--ledger", str(tmp_path / "copy.db"), code=1)
    with Ledger.open(tmp_path / "copy.db") as book:
        assert book.empty()


def test_a_damaged_file_is_refused_and_named(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.parquet"
    shutil.copytree(folder, cut)
    damaged = next((cut / "book" / "entry").rglob("*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    result = CliRunner().invoke(main, ["import", str(cut), "--ledger", str(tmp_path / "copy.db")])
    assert str(damaged) in str(result.exception)


def test_an_export_replaces_an_export_and_nothing_else(book: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    arguments = ["ledger", "export", "--format", "parquet", "-o", str(target), "--ledger", str(book)]
    run(*arguments, "--config", str(CONFIG))
    run(*arguments, "--config", str(CONFIG))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    arguments[5] = str(tmp_path / "mine")
    run(*arguments, code=1)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_the_configuration_of_the_example_is_the_one_that_counts() -> None:
    assert load(CONFIG).report.timezone == "Asia/Singapore"
