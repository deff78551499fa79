"""The fetcher of Azure: azure-mgmt-carbonoptimization itself against a stand-in of Azure's management endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed, Statement, Unavailable, Wanted
from wattbook_csp.fetch import azure

management = pytest.importorskip("azure.mgmt.carbonoptimization")
stamina = pytest.importorskip("stamina")

MONTH = "2026-01"
SUBSCRIPTION = "00000000-0000-0000-0000-0000000000aa"
DATA = Path(__file__).parent / "data" / "azure"


class Endpoint:
    """The saved pages, served by scope and page."""

    def __init__(self) -> None:
        self.troubles: list[tuple[int, dict[str, str]]] = []
        self.denied = True
        self.circle = False
        self.last = "2026-03-01"

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        if self.troubles:
            status, headers = self.troubles.pop(0)
            return status, headers, {"error": {"code": "TooManyRequests", "message": "slow down"}}
        if "AvailableDateRange" in path:
            return 200, {}, {"startDate": "2025-03-01", "endDate": self.last}
        (scope,) = body["carbonScopeList"]
        page = 2 if body.get("skipToken") else 1
        text = (DATA / f"itemdetails.resource.{MONTH}.{scope}.page{page}.json").read_text()
        if not self.denied:
            text = text.replace('"Denied"', '"Allowed"')
        if self.circle:
            text = json.dumps({**json.loads(text), "skipToken": "again"})
        return 200, {}, text


@pytest.fixture
def endpoint(stand_in: Any) -> Iterator[Endpoint]:
    stand_in.answer = Endpoint()
    with stamina.set_testing(True, attempts=3):
        yield stand_in.answer


@pytest.fixture
def client(stand_in: Any) -> Iterator[Any]:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    # a policy that asks for no token: the stand-in speaks http, over which Azure's own sends none
    with management.CarbonOptimizationMgmtClient(
        object(), base_url=stand_in.url, authentication_policy=SansIOHTTPPolicy(), retry_total=0
    ) as made:
        yield made


def fetched(client: Any, folder: Path, month: str = MONTH) -> list[Path]:
    return list(azure.pages(client, [SUBSCRIPTION], month, folder))


def test_three_scopes_and_every_page_are_fetched(
    endpoint: Endpoint, client: Any, stand_in: Any, tmp_path: Path, totals: Callable[..., Any]
) -> None:
    files = fetched(client, tmp_path)
    assert len(files) == 6
    assert totals(*files) == totals(*sorted(DATA.glob("itemdetails*.json")))
    asked = [body for _, path, body in stand_in.asked if "AvailableDateRange" not in path]
    assert [body["carbonScopeList"] for body in asked] == [["Scope1"]] * 2 + [["Scope2"]] * 2 + [["Scope3"]] * 2
    assert {(body["dateRange"]["start"], body["dateRange"]["end"]) for body in asked} == {("2026-01-01",) * 2}


def test_a_page_keeps_every_digit_and_its_request(endpoint: Endpoint, client: Any, tmp_path: Path) -> None:
    first = fetched(client, tmp_path)[0].read_text()
    assert (DATA / f"itemdetails.resource.{MONTH}.Scope1.page1.json").read_text().strip() in first
    assert json.loads(first)["request"]["carbonScopeList"] == ["Scope1"]


def test_a_denied_subscription_makes_the_rest_partial(
    endpoint: Endpoint, client: Any, tmp_path: Path, statements: Callable[..., list[Statement]]
) -> None:
    assert {s.completeness for s in statements(*fetched(client, tmp_path))} == {"partial"}


def test_nothing_denied_is_complete(
    endpoint: Endpoint, client: Any, tmp_path: Path, statements: Callable[..., list[Statement]]
) -> None:
    endpoint.denied = False
    assert {s.completeness for s in statements(*fetched(client, tmp_path))} == {"complete"}


def test_throttling_is_waited_out(endpoint: Endpoint, client: Any, tmp_path: Path) -> None:
    endpoint.troubles = [(429, {"Retry-After": "1"}), (503, {})]
    assert len(fetched(client, tmp_path)) == 6


def test_azure_says_how_long_to_wait() -> None:
    from azure.core.exceptions import HttpResponseError

    class Response:
        status_code, reason, headers = 429, "slow down", {"Retry-After": "7"}

    assert azure.is_passing(HttpResponseError(response=Response())) == 7.0


def test_a_month_that_is_not_published_is_told(endpoint: Endpoint, client: Any, tmp_path: Path) -> None:
    endpoint.last = "2025-12-01"
    with pytest.raises(ImportFailed, match="Azure states nothing of 2026-01, which was due on 2026-02-19"):
        fetched(client, tmp_path)


def test_a_month_that_azure_no_longer_keeps_is_told(endpoint: Endpoint, client: Any, tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="2025-02 can no longer be fetched"):
        fetched(client, tmp_path, "2025-02")


def test_pages_in_a_circle_are_refused(endpoint: Endpoint, client: Any, tmp_path: Path) -> None:
    endpoint.circle = True
    with pytest.raises(ImportFailed, match="the same next page twice"):
        fetched(client, tmp_path)


def test_subscriptions_have_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)
    with pytest.raises(ImportFailed, match="--account"):
        azure.subscriptions_of(Wanted(month=MONTH))
    assert azure.subscriptions_of(Wanted(month=MONTH, account="BB, aa,bb")) == ["aa", "bb"]
    with pytest.raises(ImportFailed, match="100 subscriptions"):
        azure.subscriptions_of(Wanted(month=MONTH, account=",".join(map(str, range(101)))))


def test_without_credentials_it_says_how_to_log_in(
    stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    def none(*_: Any, **__: Any) -> Any:
        raise ClientAuthenticationError("nobody is logged in")

    monkeypatch.setattr(DefaultAzureCredential, "get_token_info", none)
    monkeypatch.setattr(DefaultAzureCredential, "get_token", none)
    with pytest.raises(Unavailable, match="nobody is logged in") as refused:
        azure.fetch(Wanted(month=MONTH, account=SUBSCRIPTION, options={"cloud": "https://localhost:1"}), tmp_path)
    assert "az login" in refused.value.remedy
