"""Download a month's partition of an AWS Data Export from S3."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from wattbook import ImportFailed

from wattbook_csp.fetch.patience import patiently
from wattbook_csp.fetch.published import nothing_there

MAX_BYTES = 8 << 30
PAGE_KEYS = 1000
DATA = (".parquet", ".csv.gz", ".csv")
_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_PERIOD = re.compile(r"period=(\d{4}-\d{2})", re.IGNORECASE)


def download(client: Any, place: str, month: str, folder: Path) -> tuple[Path, ...]:
    """The files of *month* below *place*, each as long as S3 says; months are read from the names of partitions.

    Where no partition names a month every file is taken, and the rows say their months.
    """
    from wattbook_csp.fetch.aws import PUBLISHED_ON, is_passing

    found = _PLACE.fullmatch(place)
    if not found:
        raise ImportFailed(f"{place!r} is no place on S3 such as s3://bucket/prefix/export")
    bucket, prefix = found[1], found[2] or ""
    if prefix and not prefix.endswith("/"):
        prefix += "/"  # of exports "team" and "team2" only the one that was named
    sizes = _listed(client, bucket, prefix)
    data = {key: size for key, size in sizes.items() if key.endswith(DATA) and "/metadata/" not in f"/{key}"}
    if not data:
        raise ImportFailed(f"holds no Parquet and no CSV: is {place} the folder of a Data Export?", path=place)
    months = {key: period[1] for key in data if (period := _PERIOD.search(key))}
    chosen = {key: size for key, size in data.items() if not months or months.get(key) == month}
    if not chosen:
        raise nothing_there("the Data Export", month, PUBLISHED_ON)
    _refuse_missing(client, bucket, sizes, chosen, month)
    total = sum(chosen.values())
    if total > MAX_BYTES:
        raise ImportFailed(f"holds {total >> 30} GiB of {month}; at most {MAX_BYTES >> 30} are fetched", path=place)
    files = []
    for key, size in sorted(chosen.items()):
        path = folder / _safe(key.removeprefix(prefix))
        path.parent.mkdir(parents=True, exist_ok=True)
        patiently(lambda key=key, path=path: client.download_file(bucket, key, str(path)), is_passing)  # type: ignore[misc]
        if path.stat().st_size != size:
            raise ImportFailed(f"{path.stat().st_size} of {size} bytes came; was it written meanwhile?", path=key)
        files.append(path)
    return tuple(files)


def _listed(client: Any, bucket: str, prefix: str) -> dict[str, int]:
    from wattbook_csp.fetch.aws import is_passing

    sizes: dict[str, int] = {}
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": PAGE_KEYS}
    while True:
        page = patiently(lambda: client.list_objects_v2(**asked), is_passing)
        sizes.update({one["Key"]: one["Size"] for one in page.get("Contents", [])})
        if not page.get("IsTruncated"):
            return sizes
        asked["ContinuationToken"] = page["NextContinuationToken"]


def _refuse_missing(client: Any, bucket: str, sizes: dict[str, int], chosen: dict[str, int], month: str) -> None:
    """What the export's manifest of the month names has to be there."""
    for key in sizes:
        period = _PERIOD.search(key)
        if not key.endswith("Manifest.json") or (period and period[1] != month) or sizes[key] > 16 << 20:
            continue
        try:
            named = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())["dataFiles"]
            keys = {name.removeprefix(f"s3://{bucket}/") for name in named}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # another kind of manifest
        missing = {name for name in keys if (p := _PERIOD.search(name)) is None or p[1] == month} - chosen.keys()
        if missing:
            raise ImportFailed(
                f"the manifest names {min(missing)}, which is not there; is the export being written?", path=key
            )


def _safe(key: str) -> str:
    """The key as a path below a folder, whatever it holds."""
    parts = [part for part in PurePosixPath(key).parts if part not in ("/", "..", ".")]
    return "/".join(re.sub(r"[^\w.=+-]", "_", part)[-200:] for part in parts)
