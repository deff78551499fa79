"""Fetch a month of Google Cloud from the BigQuery table that Carbon Footprint exports to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from wattbook import Fetched, ImportFailed, Unavailable, Wanted

from wattbook_csp.fetch.patience import need, patiently
from wattbook_csp.fetch.published import first_of, nothing_there
from wattbook_csp.fetch.readiness import LOG_IN

PUBLISHED_ON = 15  #: of the next month; the transfer may run some days later
TABLE = "carbon_footprint"
MAX_BYTES_BILLED = 20 << 30
PAGE_ROWS = 10_000


def fetch(wanted: Wanted, folder: Path) -> Fetched:
    """The month's rows, each as the line of JSON that an export of the table would hold."""
    bigquery = need("google.cloud.bigquery", "gcp")
    exceptions, auth = need("google.api_core.exceptions", "gcp"), need("google.auth.exceptions", "gcp")
    try:
        client = bigquery.Client(project=wanted.options.get("project"))
        table = table_of(wanted, client.project)
        path = rows(bigquery, client, table, wanted, folder)
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise Unavailable(f"Google Cloud has no credentials here ({_first(error)})", remedy=LOG_IN["gcp"]) from error
    except exceptions.Forbidden as error:
        reason = f"Google Cloud does not let this caller read the table ({_first(error)})"
        raise Unavailable(
            reason, remedy="give it BigQuery Data Viewer on the dataset and Job User on a project"
        ) from error
    except exceptions.NotFound as error:
        raise ImportFailed(f"there is no such table: {_first(error)}", path=table) from error
    except (exceptions.GoogleAPICallError, exceptions.RetryError, auth.TransportError) as error:
        raise ImportFailed(f"BigQuery cannot be asked: {_first(error)}") from error
    return Fetched(format="gcp-bigquery", files=(path,))


def table_of(wanted: Wanted, project: str | None) -> str:
    """``project.dataset.table`` from what the user said; nothing else gets into the query."""
    said = wanted.options.get("dataset")
    if not said:
        raise ImportFailed("say in which dataset the export lies: --dataset PROJECT.DATASET")
    parts = said.split(".")
    if len(parts) == 1:
        parts = [project or "", *parts]
    if len(parts) == 2:
        parts.append(TABLE)
    if len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_:-]+", part) for part in parts):
        raise ImportFailed(f"{said!r} is no dataset such as my-project.carbon or my-project.carbon.carbon_footprint")
    return ".".join(parts)


def rows(bigquery: Any, client: Any, table: str, wanted: Wanted, folder: Path) -> Path:
    """One line of JSON a row, in the order of the lines, so that the same rows are the same file."""
    condition = "usage_month = @month" + (" AND billing_account_id = @account" if wanted.account else "")
    query = f"SELECT TO_JSON_STRING(t) AS line FROM `{table}` AS t WHERE {condition} ORDER BY line"
    parameters = [bigquery.ScalarQueryParameter("month", "DATE", first_of(wanted.month))]
    if wanted.account:
        parameters.append(bigquery.ScalarQueryParameter("account", "STRING", wanted.account))
    config = bigquery.QueryJobConfig(query_parameters=parameters, maximum_bytes_billed=MAX_BYTES_BILLED)
    answer = patiently(lambda: client.query(query, job_config=config).result(page_size=PAGE_ROWS), is_passing)
    path = folder / f"carbon_footprint.{wanted.month}.ndjson"
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in answer:
            stream.write(row["line"] + "\n")
            count += 1
    if answer.total_rows is not None and count != answer.total_rows:
        raise ImportFailed(f"{count} of {answer.total_rows} rows came, so the answer is not whole", path=table)
    if not count:
        raise nothing_there("the Carbon Footprint export", wanted.month, PUBLISHED_ON)
    return path


def is_passing(error: Exception) -> bool:
    """Whether to ask again, where BigQuery's own patience has not sufficed."""
    exceptions = need("google.api_core.exceptions", "gcp")
    return isinstance(error, exceptions.TooManyRequests | exceptions.ServerError)


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
