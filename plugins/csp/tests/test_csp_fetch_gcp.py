"""The fetcher of Google Cloud: google-cloud-bigquery itself against a stand-in of BigQuery's REST interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed, Unavailable, Wanted
from wattbook_csp.fetch import gcp

pytest.importorskip("google.cloud.bigquery")
stamina = pytest.importorskip("stamina")

NESTED = Path(__file__).parent / "data" / "gcp" / "carbon_footprint.bq.ndjson"
MONTH = "2025-07"
LINES = sorted(line for line in NESTED.read_text().splitlines() if f'"{MONTH}-01"' in line)


class Table:
    """Answers as BigQuery does: a job that is done, then its rows page by page."""

    def __init__(self, lines: list[str], *, page: int = 2, told: int | None = None) -> None:
        self.lines, self.page, self.told = lines, page, len(lines) if told is None else told
        self.troubles: list[tuple[int, str]] = []
        self.query: dict[str, Any] = {}

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        if self.troubles:
            status, reason = self.troubles.pop(0)
            return status, {}, {"error": {"code": status, "message": reason, "errors": [{"reason": reason}]}}
        if method == "POST" and "/jobs" in path:
            self.query = body["configuration"]["query"]
            self.reference = {**body["jobReference"], "location": "EU"}
        job = {
            "kind": "bigquery#job",
            "jobReference": self.reference,
            "status": {"state": "DONE"},
            "configuration": {
                "query": {
                    **self.query,
                    "destinationTable": {"projectId": "ml-train", "datasetId": "_d", "tableId": "anon"},
                }
            },
            "statistics": {"query": {"statementType": "SELECT"}},
        }
        if method == "POST" or ("/queries/" not in path and "/data" not in path):
            return 200, {}, job
        at = int(path.partition("pageToken=p")[2].partition("&")[0] or 0)
        rows = [{"f": [{"v": line}]} for line in self.lines[at : at + self.page]]
        more = {"pageToken": f"p{at + self.page}"} if at + self.page < len(self.lines) else {}
        return (
            200,
            {},
            {
                "kind": "bigquery#getQueryResultsResponse",
                "jobReference": self.reference,
                "jobComplete": True,
                "schema": {"fields": [{"name": "line", "type": "STRING", "mode": "NULLABLE"}]},
                "totalRows": str(self.told),
                "rows": [] if "maxResults=0" in path else rows,
                **({} if "maxResults=0" in path else more),
            },
        )


@pytest.fixture
def table(stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Table]]:
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", stand_in.url)
    monkeypatch.setattr(google.auth, "default", lambda *_, **__: (AnonymousCredentials(), "ml-train"))

    def make(lines: list[str], **more: Any) -> Table:
        stand_in.answer = Table(lines, **more)
        return stand_in.answer  # type: ignore[no-any-return]

    with stamina.set_testing(True, attempts=2):
        yield make


def fetch(folder: Path, **options: str) -> Any:
    return gcp.fetch(Wanted(month=MONTH, options={"dataset": "ml-train.carbon", **options}), folder)


def test_the_rows_of_the_month_are_those_of_an_export(
    table: Callable[..., Table], tmp_path: Path, totals: Callable[..., Any]
) -> None:
    assert len(LINES) > 3
    asked = table(LINES)
    fetched = fetch(tmp_path)
    assert fetched.files[0].read_text().splitlines() == LINES
    assert totals(*fetched.files) == {c: kg for c, kg in totals(NESTED).items() if c[0] == MONTH}
    assert asked.query["query"].startswith("SELECT TO_JSON_STRING(t) AS line FROM `ml-train.carbon.carbon_footprint`")
    (month,) = asked.query["queryParameters"]
    assert (month["parameterType"]["type"], month["parameterValue"]["value"]) == ("DATE", "2025-07-01")


def test_a_billing_account_is_a_parameter_and_no_part_of_the_query(table: Callable[..., Table], tmp_path: Path) -> None:
    asked = table(LINES)
    gcp.fetch(Wanted(month=MONTH, account="x' OR 1=1 --", options={"dataset": "ml-train.carbon.t"}), tmp_path)
    assert "OR 1=1" not in asked.query["query"]
    assert asked.query["queryParameters"][1]["parameterValue"]["value"] == "x' OR 1=1 --"


@pytest.mark.parametrize("dataset", ["a.b.c.d", "a.`b", "a b", "", "x.y;DROP TABLE z", "."])
def test_another_name_than_a_datasets_is_refused(table: Callable[..., Table], tmp_path: Path, dataset: str) -> None:
    table(LINES)
    with pytest.raises(ImportFailed, match="dataset"):
        fetch(tmp_path, dataset=dataset)


def test_a_month_without_rows_is_told(table: Callable[..., Table], tmp_path: Path) -> None:
    table([])
    with pytest.raises(ImportFailed, match="states nothing of 2025-07, which was due on 2025-08-15"):
        fetch(tmp_path)


def test_fewer_rows_than_told_are_refused(table: Callable[..., Table], tmp_path: Path) -> None:
    table(LINES[:2], told=5)
    with pytest.raises(ImportFailed, match="2 of 5 rows came"):
        fetch(tmp_path)


def test_a_table_that_is_not_there_is_told(table: Callable[..., Table], tmp_path: Path) -> None:
    table(LINES).troubles = [(404, "notFound")] * 3
    with pytest.raises(ImportFailed, match="there is no such table"):
        fetch(tmp_path)


def test_a_caller_without_the_right_is_told(table: Callable[..., Table], tmp_path: Path) -> None:
    table(LINES).troubles = [(403, "accessDenied")] * 3
    with pytest.raises(Unavailable, match="does not let this caller read") as refused:
        fetch(tmp_path)
    assert "BigQuery Data Viewer" in refused.value.remedy


def test_without_credentials_it_says_how_to_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    def none(*_: Any, **__: Any) -> Any:
        raise DefaultCredentialsError("nobody is logged in")

    monkeypatch.setattr(google.auth, "default", none)
    with pytest.raises(Unavailable, match="nobody is logged in") as refused:
        fetch(tmp_path)
    assert "gcloud auth application-default login" in refused.value.remedy
