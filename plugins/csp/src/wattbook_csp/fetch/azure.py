"""Fetch a month of Azure from the Carbon Optimization API, scope by scope and page by page."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wattbook import Fetched, ImportFailed, Unavailable, Wanted

from wattbook_csp.fetch.patience import MAX_PAGES, need, patiently
from wattbook_csp.fetch.published import first_of, nothing_there
from wattbook_csp.fetch.readiness import LOG_IN

PUBLISHED_ON = 19  #: of the next month
SCOPES = ("Scope1", "Scope2", "Scope3")  #: one call each: scopes that are asked for together come as one number
MOST_SUBSCRIPTIONS = 100
PAGE_SIZE = 5000
ROLE = "give it the role Carbon Optimization Reader on the subscriptions"


def fetch(wanted: Wanted, folder: Path) -> Fetched:
    """Every resource's figure of the month, each page with the request that it answers."""
    identity, management = need("azure.identity", "azure"), need("azure.mgmt.carbonoptimization", "azure")
    errors = need("azure.core.exceptions", "azure")
    subscriptions = subscriptions_of(wanted)
    # it lists every credential that it tried on standard error; our sentence says what to do
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    try:
        with (
            identity.DefaultAzureCredential(exclude_interactive_browser_credential=True) as credential,
            management.CarbonOptimizationMgmtClient(
                credential, base_url=wanted.options.get("cloud"), retry_total=0
            ) as client,
        ):
            files = tuple(pages(client, subscriptions, wanted.month, folder))
    except errors.ClientAuthenticationError as error:
        raise Unavailable(f"Azure has no credentials here ({_first(error)})", remedy=LOG_IN["azure"]) from error
    except errors.HttpResponseError as error:
        if error.status_code == 403:
            raise Unavailable(f"Azure does not let this caller ask ({_first(error)})", remedy=ROLE) from error
        raise ImportFailed(f"Azure refuses: {_first(error)}") from error
    except errors.AzureError as error:
        raise ImportFailed(f"Azure cannot be asked: {_first(error)}") from error
    return Fetched(format="azure-carbon-json", files=files)


def subscriptions_of(wanted: Wanted) -> list[str]:
    """The subscriptions that the user named, in lower case as the API wants them."""
    said = wanted.account or os.environ.get("AZURE_SUBSCRIPTION_ID") or ""
    found = sorted({part.strip().lower() for part in said.split(",") if part.strip()})
    if not found:
        raise ImportFailed("say which subscriptions, parted by commas: --account ID,ID")
    if len(found) > MOST_SUBSCRIPTIONS:
        raise ImportFailed(f"Azure answers about {MOST_SUBSCRIPTIONS} subscriptions at a time, not {len(found)}")
    return found


def pages(client: Any, subscriptions: list[str], month: str, folder: Path) -> Iterator[Path]:
    """Every page of every scope as a file."""
    refuse_unpublished(client, month)
    first = first_of(month).isoformat()
    for scope in SCOPES:
        asked: dict[str, Any] = {
            "reportType": "ItemDetailsReport",
            "subscriptionList": subscriptions,
            "carbonScopeList": [scope],
            "dateRange": {"start": first, "end": first},
            "categoryType": "Resource",
            "orderBy": "ItemName",
            "sortDirection": "Asc",
            "pageSize": PAGE_SIZE,
        }
        seen: set[str] = set()
        for number in range(1, MAX_PAGES + 1):
            text = _page(client, asked)
            path = folder / f"itemdetails.resource.{month}.{scope}.page{number:03}.json"
            path.write_text(f'{{"request": {json.dumps(asked)}, "response": {text}}}\n', encoding="utf-8")
            yield path
            token = json.loads(text).get("skipToken")
            if not token:
                break
            if token in seen:
                raise ImportFailed(
                    "Azure names the same next page twice, so the answer is not whole", field="skipToken"
                )
            seen.add(token)
            asked = {**asked, "skipToken": token}
        else:
            raise ImportFailed(f"Azure answers with more than {MAX_PAGES} pages")


def refuse_unpublished(client: Any, month: str) -> None:
    """The API says itself which months it has; it keeps twelve or thirteen."""
    ask = client.carbon_service.query_carbon_emission_data_available_date_range
    there = patiently(lambda: ask(), is_passing)
    start, end = str(there.start_date)[:7], str(there.end_date)[:7]
    if month > end:
        raise nothing_there("Azure", month, PUBLISHED_ON)
    if month < start:
        raise ImportFailed(f"Azure keeps {start} to {end}; {month} can no longer be fetched")


def _page(client: Any, asked: dict[str, Any]) -> str:
    """The answer as it came, with every digit."""

    def ask() -> str:
        raw: str = client.carbon_service.query_carbon_emission_reports(
            asked, cls=lambda response, _, __: response.http_response.text()
        )
        return raw.strip()

    return patiently(ask, is_passing)


def is_passing(error: Exception) -> bool | float:
    """Whether to ask again; Azure may say in how many seconds."""
    errors = need("azure.core.exceptions", "azure")
    if isinstance(error, errors.ServiceRequestError | errors.ServiceResponseError):
        return True
    if not isinstance(error, errors.HttpResponseError):
        return False
    if error.status_code == 429 or (error.status_code or 0) >= 500:
        wait = (getattr(error.response, "headers", None) or {}).get("Retry-After", "")
        return min(float(wait), 60.0) if wait.isdigit() else True
    return False


def _first(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
