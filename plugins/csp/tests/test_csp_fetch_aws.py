"""The fetcher of AWS's ``sustainability`` API, against botocore itself: its Stubber checks every parameter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed, Statement, Unavailable, Wanted
from wattbook_csp.fetch import aws

botocore = pytest.importorskip("botocore")
stamina = pytest.importorskip("stamina")

from botocore.stub import ANY, Stubber  # noqa: E402

MONTH = "2025-09"
API = "aws/sustainability_api/get_estimated_carbon_emissions.monthly.page{}.json"
DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Retries without waiting."""
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.fixture
def client() -> Any:
    boto3 = pytest.importorskip("boto3")
    return boto3.client(
        "sustainability", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def a_page(number: int, *, follows: str | None = None) -> dict[str, Any]:
    """The September of a saved page, as botocore parses it."""
    page = json.loads((DATA / API.format(number)).read_text())
    results = [r for r in page["Results"] if r["TimePeriod"]["Start"].startswith(MONTH)]
    for result in results:
        result["TimePeriod"] = {key: datetime.fromisoformat(value) for key, value in result["TimePeriod"].items()}
    return {"Results": results, **({"NextToken": follows} if follows else {})}


def asked(**more: Any) -> dict[str, Any]:
    period = {"Start": "2025-09-01T00:00:00Z", "End": "2025-10-01T00:00:00Z"}
    group = ["USAGE_ACCOUNT_ID", "SERVICE", "REGION"]
    return {"TimePeriod": period, "GroupBy": group, "EmissionsTypes": ANY, "Granularity": "MONTHLY", **more}


def fetched(client: Any, folder: Path) -> list[Path]:
    with aws._in_words():
        return list(aws.pages(client, MONTH, folder))


def test_all_scopes_of_all_accounts_are_asked_for_and_every_page_is_followed(
    client: Any, stub: Stubber, tmp_path: Path, totals: Callable[..., Any]
) -> None:
    stub.add_response("get_estimated_carbon_emissions", a_page(1, follows="two"), asked(EmissionsTypes=list(aws.TYPES)))
    stub.add_response("get_estimated_carbon_emissions", a_page(2), asked(NextToken="two"))
    files = fetched(client, tmp_path)
    saved = totals(*(API.format(n) for n in (1, 2)), account="111111111111")
    assert len(files) == 2
    assert totals(*files, account="111111111111") == {c: kg for c, kg in saved.items() if c[0] == MONTH}


def test_the_same_answer_is_the_same_bytes(client: Any, stub: Stubber, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        stub.add_response("get_estimated_carbon_emissions", a_page(2), asked())
        found.append([path.read_bytes() for path in fetched(client, tmp_path / name)])
    assert found[0] == found[1]


def test_the_account_that_asks_is_the_payer(
    client: Any, stub: Stubber, tmp_path: Path, statements: Callable[..., list[Statement]]
) -> None:
    stub.add_response("get_estimated_carbon_emissions", a_page(2), asked())
    found = statements(*fetched(client, tmp_path), account="111111111111")
    assert {s.payer for s in found} == {"111111111111"}


def test_throttling_is_waited_out(client: Any, stub: Stubber, tmp_path: Path) -> None:
    for code in ("ThrottlingException", "InternalServerException"):
        stub.add_client_error("get_estimated_carbon_emissions", code, http_status_code=429)
    stub.add_response("get_estimated_carbon_emissions", a_page(2), asked())
    assert len(fetched(client, tmp_path)) == 1


def test_throttling_that_does_not_end_is_told(client: Any, stub: Stubber, tmp_path: Path) -> None:
    for _ in range(3):
        stub.add_client_error("get_estimated_carbon_emissions", "ThrottlingException", http_status_code=429)
    with pytest.raises(ImportFailed, match="several times and answers ThrottlingException"):
        fetched(client, tmp_path)


def test_throttling_between_pages_leaves_nothing_half_fetched(client: Any, stub: Stubber, tmp_path: Path) -> None:
    stub.add_response("get_estimated_carbon_emissions", a_page(1, follows="two"), asked())
    for _ in range(3):
        stub.add_client_error("get_estimated_carbon_emissions", "ThrottlingException", http_status_code=429)
    with pytest.raises(ImportFailed):
        fetched(client, tmp_path)


def test_a_caller_without_the_right_is_told_which(client: Any, stub: Stubber, tmp_path: Path) -> None:
    stub.add_client_error("get_estimated_carbon_emissions", "AccessDeniedException", http_status_code=403)
    with pytest.raises(Unavailable, match="GetEstimatedCarbonEmissions") as refused:
        fetched(client, tmp_path)
    assert refused.value.remedy


def test_credentials_that_expired_are_told(client: Any, stub: Stubber, tmp_path: Path) -> None:
    stub.add_client_error("get_estimated_carbon_emissions", "ExpiredTokenException", http_status_code=403)
    with pytest.raises(Unavailable, match="does not accept these credentials") as refused:
        fetched(client, tmp_path)
    assert "aws sso login" in refused.value.remedy


def test_a_month_without_results_is_no_month_of_zeros(client: Any, stub: Stubber, tmp_path: Path) -> None:
    stub.add_response("get_estimated_carbon_emissions", {"Results": []}, asked())
    with pytest.raises(ImportFailed, match="AWS states nothing of 2025-09, which was due on 2025-10-21"):
        fetched(client, tmp_path)


def test_pages_in_a_circle_are_refused(client: Any, stub: Stubber, tmp_path: Path) -> None:
    stub.add_response("get_estimated_carbon_emissions", a_page(1, follows="two"), asked())
    stub.add_response("get_estimated_carbon_emissions", a_page(2, follows="two"), asked(NextToken="two"))
    with pytest.raises(ImportFailed, match="names the same next page twice"):
        fetched(client, tmp_path)


def test_without_credentials_it_says_how_to_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unavailable, match="AWS has no credentials here") as refused:
        aws.fetch(Wanted(month=MONTH, account="111111111111"), tmp_path)
    assert "aws sso login" in refused.value.remedy


def test_an_unknown_profile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(Unavailable, match="nobody"):
        aws.fetch(Wanted(month=MONTH, options={"profile": "nobody"}), tmp_path)
