"""Fetch a month of AWS: from the ``sustainability`` API, or from a Data Export on S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from wattbook import Fetched, ImportFailed, Unavailable, Wanted

from wattbook_csp.aws_api_json import DIMENSIONS, TYPES
from wattbook_csp.fetch import aws_s3
from wattbook_csp.fetch.patience import MAX_PAGES, need, patiently
from wattbook_csp.fetch.published import after, first_of, nothing_there
from wattbook_csp.fetch.readiness import LOG_IN

REGION = "us-east-1"
PUBLISHED_ON = 21  #: of the next month
PASSING = {"ThrottlingException", "Throttling", "InternalServerException", "SlowDown", "RequestLimitExceeded",
           "InternalError", "ServiceUnavailable", "RequestTimeout"}  # fmt: skip
REFUSED = {"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
           "InvalidAccessKeyId", "SignatureDoesNotMatch"}  # fmt: skip


def fetch(wanted: Wanted, folder: Path) -> Fetched:
    """The month's figures by account, service and region, page by page; or the month's files on S3."""
    with _in_words():
        make = _clients(wanted)
        if "from" in wanted.options:
            files = aws_s3.download(make("s3"), wanted.options["from"], wanted.month, folder)
            return Fetched(format="aws-data-export", files=files)
        # whose figures these are: the account that asks sees itself and, as a payer, its members
        account = wanted.account or patiently(lambda: make("sts").get_caller_identity()["Account"], is_passing)
        files = tuple(pages(make("sustainability"), wanted.month, folder))
    return Fetched(format="aws-api-json", files=files, account=account)


def pages(client: Any, month: str, folder: Path) -> Iterator[Path]:
    """Every page of the month as a file."""
    asked: dict[str, Any] = {
        "TimePeriod": {"Start": f"{first_of(month)}T00:00:00Z", "End": f"{after(month)}T00:00:00Z"},
        "GroupBy": list(DIMENSIONS),
        "EmissionsTypes": list(TYPES),
        "Granularity": "MONTHLY",
    }
    seen: set[str] = set()
    for number in range(1, MAX_PAGES + 1):
        page = patiently(lambda: client.get_estimated_carbon_emissions(**asked), is_passing)
        page.pop("ResponseMetadata", None)
        if not page["Results"] and number == 1 and not page.get("NextToken"):
            raise nothing_there("AWS", month, PUBLISHED_ON)
        path = folder / f"estimated-carbon-emissions.{month}.page{number:03}.json"
        path.write_text(json.dumps(page, default=_moment), encoding="utf-8")
        yield path
        token = page.get("NextToken")
        if not token:
            return
        if token in seen:
            raise ImportFailed("AWS names the same next page twice, so the answer is not whole", field="NextToken")
        seen.add(token)
        asked["NextToken"] = token
    raise ImportFailed(f"AWS answers with more than {MAX_PAGES} pages")


def is_passing(error: Exception) -> bool:
    """Whether to ask again: throttled, an error of the service, or no connection."""
    exceptions = need("botocore.exceptions", "aws")
    if isinstance(error, exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response.get("Error", {}).get("Code") in PASSING or status >= 500
    return isinstance(error, exceptions.HTTPClientError) and not isinstance(error, exceptions.ProxyConnectionError)


def _clients(wanted: Wanted) -> Any:
    boto3 = need("boto3", "aws")
    config = need("botocore.config", "aws").Config(retries={"total_max_attempts": 1}, connect_timeout=10)
    session = boto3.Session(profile_name=wanted.options.get("profile"))
    region = wanted.options.get("region")

    def make(service: str) -> Any:
        where = region or (REGION if service != "s3" else session.region_name or REGION)
        return session.client(service, region_name=where, config=config)

    return make


@contextmanager
def _in_words() -> Iterator[None]:
    """The errors of botocore as sentences, each with what would help."""
    exceptions = need("botocore.exceptions", "aws")
    try:
        yield
    except (
        exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound,
        exceptions.TokenRetrievalError, exceptions.SSOError, exceptions.CredentialRetrievalError,
    ) as error:  # fmt: skip
        raise Unavailable(f"AWS has no credentials here ({error})", remedy=LOG_IN["aws"]) from error
    except exceptions.UnknownServiceError as error:
        reason = "the installed boto3 does not know the service 'sustainability'"
        raise Unavailable(reason, remedy="pip install --upgrade 'wattbook-csp[aws]'") from error
    except exceptions.ClientError as error:
        code, operation = error.response.get("Error", {}).get("Code", ""), error.operation_name
        if code in REFUSED:
            reason = f"AWS does not let this caller use {operation}"
            raise Unavailable(reason, remedy=f"allow its role the action of {operation}") from error
        if code in EXPIRED:
            raise Unavailable(f"AWS does not accept these credentials ({code})", remedy=LOG_IN["aws"]) from error
        if code in PASSING:
            raise ImportFailed(f"AWS was asked {operation} several times and answers {code}; try later") from error
        raise ImportFailed(
            f"AWS refuses {operation}: {error.response.get('Error', {}).get('Message', code)}"
        ) from error
    except exceptions.BotoCoreError as error:
        raise ImportFailed(f"AWS cannot be asked: {error}") from error


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in an answer of AWS")
