"""The fetcher of AWS Data Exports, against a local S3: moto's server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wattbook import ImportFailed, Unavailable, Wanted
from wattbook_csp.fetch import aws, aws_s3

boto3 = pytest.importorskip("boto3")
stamina = pytest.importorskip("stamina")

EXPORT = Path(__file__).parent / "data" / "aws" / "data_export"
BUCKET = "carbon-exports"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def settings_of(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> Any:
    """A bucket with the sample export as it lies on S3."""
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=BUCKET)
    for file in sorted(EXPORT.rglob("*.parquet")):
        client.upload_file(str(file), BUCKET, f"team/{file.relative_to(EXPORT).as_posix()}")
    return client


@pytest.fixture
def s3(endpoint: str, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket, where boto3 finds it; what a test adds is taken away."""
    for name, value in settings_of(endpoint).items():
        monkeypatch.setenv(name, value)
    before = {one["Key"] for one in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]}
    with stamina.set_testing(True, attempts=2):
        yield bucket
    for one in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        if one["Key"] not in before:
            bucket.delete_object(Bucket=BUCKET, Key=one["Key"])


def fetch(folder: Path, month: str = "2025-09", place: str = f"s3://{BUCKET}/team/carbon/mlteam-carbon") -> Any:
    return aws.fetch(Wanted(month=month, options={"from": place}), folder)


@pytest.mark.usefixtures("s3")
def test_the_partitions_of_the_month_are_fetched_and_the_newest_model_counts(
    tmp_path: Path, totals: Callable[..., Any]
) -> None:
    fetched = fetch(tmp_path)
    assert fetched.format == "aws-data-export"
    assert len(fetched.files) == 3
    assert totals(*fetched.files) == {c: kg for c, kg in totals("aws/data_export").items() if c[0] == "2025-09"}


@pytest.mark.usefixtures("s3")
def test_the_same_export_is_the_same_bytes(tmp_path: Path) -> None:
    names = sorted(path.relative_to(tmp_path) for path in fetch(tmp_path).files)
    original = EXPORT / "carbon" / "mlteam-carbon"
    assert all((tmp_path / name).read_bytes() == (original / name).read_bytes() for name in names)


@pytest.mark.usefixtures("s3")
def test_a_month_that_the_export_does_not_hold_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="the Data Export states nothing of 2025-12"):
        fetch(tmp_path, month="2025-12")


@pytest.mark.usefixtures("s3")
def test_a_folder_without_an_export_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="holds no Parquet and no CSV"):
        fetch(tmp_path, place=f"s3://{BUCKET}/elsewhere")


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("place", ["carbon-exports/team", "s3://", "https://x/y", "s3://UPPER/x"])
def test_another_place_than_s3_is_told(tmp_path: Path, place: str) -> None:
    with pytest.raises(ImportFailed, match="is no place on S3"):
        fetch(tmp_path, place=place)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises((ImportFailed, Unavailable), match="ListObjectsV2"):
        fetch(tmp_path, place="s3://no-such-bucket-anywhere/x")


def test_a_file_that_the_manifest_names_has_to_be_there(s3: Any, tmp_path: Path) -> None:
    missing = f"s3://{BUCKET}/team/carbon/mlteam-carbon/data/usage_period=2025-09/mlteam-carbon-00002.snappy.parquet"
    key = "team/carbon/mlteam-carbon/metadata/usage_period=2025-09/mlteam-carbon-Manifest.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps({"dataFiles": [missing]}))
    with pytest.raises(ImportFailed, match=r"the manifest names .*00002.* which is not there"):
        fetch(tmp_path)


@pytest.mark.usefixtures("s3")
def test_a_long_listing_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_s3, "PAGE_KEYS", 2)
    assert len(fetch(tmp_path).files) == 3


def test_an_export_whose_name_begins_alike_is_another_one(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="team/carbon/mlteam-carbon2/data/usage_period=2025-09/x.csv", Body=b"x")
    assert len(fetch(tmp_path).files) == 3


def test_a_key_leads_nowhere_but_into_the_folder(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="team/../../up/usage_period=2025-09/x;rm.csv", Body=b"x")
    fetched = fetch(tmp_path, place=f"s3://{BUCKET}/team/../../up")
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in fetched.files)


@pytest.mark.usefixtures("s3")
def test_the_account_that_asks_is_asked_for_and_the_pages_come_over_the_wire(
    stand_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, totals: Callable[..., Any]
) -> None:
    """The token service is moto's; the sustainability API, which moto lacks, a stand-in with a saved page."""
    saved = EXPORT.parent / "sustainability_api" / "get_estimated_carbon_emissions.monthly.ungrouped.json"
    page = json.loads(saved.read_text())
    page["Results"] = [one for one in page["Results"] if one["TimePeriod"]["Start"].startswith("2025-09")]
    stand_in.answer = lambda method, path, body: (200, {}, page)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SUSTAINABILITY", stand_in.url)
    fetched = aws.fetch(Wanted(month="2025-09"), tmp_path)
    assert (fetched.format, fetched.account) == ("aws-api-json", "123456789012")
    ((method, path, body),) = stand_in.asked
    assert (method, path) == ("POST", "/v1/estimated-carbon-emissions")
    assert body["TimePeriod"] == {"Start": "2025-09-01T00:00:00Z", "End": "2025-10-01T00:00:00Z"}
    found = totals(*fetched.files, account=fetched.account)
    assert found == {c: kg for c, kg in totals(saved, account="1").items() if c[0] == "2025-09"}
