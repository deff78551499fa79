"""Large exports of made-up companies, as the providers write them, and jobs CSVs; always the same for one size."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wattbook_tdp.catalogue import DATA

AWS_REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "eu-north-1", "ap-southeast-1",
    "ap-northeast-1", "sa-east-1",
)  # fmt: skip
AWS_SERVICES = (
    "AmazonEC2", "AmazonS3", "Other", "AmazonRDS", "AWSLambda", "AmazonSageMaker", "AmazonEKS", "AmazonCloudFront",
    "AmazonVPC", "AmazonKMS",
)  # fmt: skip
GCP_REGIONS = tuple(f"{where}{n}" for where in ("us-central", "us-east", "europe-west", "asia-east") for n in (1, 2, 4))
GCP_SERVICES = tuple(f"{n:04X}-5844-4{n:02X}A" for n in range(10))
MONTHS = tuple(f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13))
AWS_VIEWS = ("total_lbm", "total_mbm", "total_scope_1", "total_scope_2_lbm", "total_scope_2_mbm", "total_scope_3_lbm",
             "total_scope_3_mbm")  # fmt: skip
CPUS = ("AMD EPYC 7763", "AMD EPYC 7302", "Intel Xeon Gold 6248R", "Intel Xeon Platinum 8480+", "AMD EPYC 9654")
GPUS = ("NVIDIA A40", "NVIDIA A100-SXM4-80GB", "NVIDIA L4", "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 3090")


def _after(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}"


def _cells(count: int, regions: tuple[str, ...], services: tuple[str, ...]) -> Iterator[tuple[str, int, str, str]]:
    """Month, number of an account, region and service, none of them twice: accounts fill up month by month."""
    accounts = -(-count // (len(MONTHS) * len(regions) * len(services)))
    made = 0
    for month in MONTHS:
        for account in range(accounts):
            for region in regions:
                for service in services:
                    if made == count:
                        return
                    made += 1
                    yield month, account, region, service


def aws_rows(count: int) -> Iterator[dict[str, Any]]:
    random.seed(count)
    for month, account, region, service in _cells(count, AWS_REGIONS, AWS_SERVICES):
        one, two, market = random.randrange(20_000), random.randrange(9_000_000), random.randrange(5_000_000)
        three = random.randrange(900_000)
        micro = (one + two + three, one + market + three, one, two, market, three, three)
        yield {
            "last_refresh_timestamp": "2026-05-10 00:00:00Z", "location": "somewhere", "model_version": "v3.0.1",
            "payer_account_id": "100000000000", "product_code": service, "region_code": region,
            **{f"{view}_emissions_unit": "MTCO2e" for view in AWS_VIEWS},
            **{f"{view}_emissions_value": n / 1e6 for view, n in zip(AWS_VIEWS, micro, strict=True)},
            "usage_account_id": f"{200_000_000_000 + account}", "usage_period_end": f"{_after(month)}-01 00:00:00Z",
            "usage_period_start": f"{month}-01 00:00:00Z",
        }  # fmt: skip


def aws_csv(path: Path, count: int) -> None:
    with gzip.open(path, "wt", newline="", compresslevel=6) as stream:
        _table(stream, aws_rows(count))


def aws_parquet(path: Path, count: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    rows = aws_rows(count)
    while some := [row for row, _ in zip(rows, range(100_000), strict=False)]:
        table = pa.Table.from_pylist(some)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="snappy")
        writer.write_table(table)
    assert writer is not None
    writer.close()


def gcp_rows(count: int) -> Iterator[dict[str, Any]]:
    random.seed(count)
    for month, project, region, service in _cells(count, GCP_REGIONS, GCP_SERVICES):
        one, two, market, three = (random.uniform(0, most) for most in (0.5, 90, 60, 40))
        yield {
            "usage_month": f"{month}-01", "billing_account_id": "01ABCD-234567-89EF01",
            "project": {"number": f"{800_000_000_000 + project}", "id": f"project-{project}"},
            "service": {"id": service, "description": f"Service {service[:4]}"},
            "location": {"location": f"{region}-a", "region": region}, "carbon_model_version": 14,
            "carbon_footprint_kgCO2e": {"scope1": one, "scope2": {"location_based": two, "market_based": market},
                                        "scope3": three},
            "carbon_footprint_total_kgCO2e": {"location_based": one + two + three, "market_based": one + market + three,
                                              "after_offsets": None},
            "carbon_offsets_kgCO2e": None,
        }  # fmt: skip


def gcp_ndjson(path: Path, count: int) -> None:
    with path.open("w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in gcp_rows(count))


def gcp_csv(path: Path, count: int) -> None:
    def flat(prefix: str, row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for name, value in row.items():
            if isinstance(value, dict):
                yield from flat(f"{prefix}{name}.", value)
            else:
                yield prefix + name, value

    with path.open("w", newline="") as stream:
        _table(stream, (dict(flat("", row)) for row in gcp_rows(count)))


def azure_pages(folder: Path, count: int) -> None:
    """Pages of 5,000 items, as the API gives them, of one month in each of three scopes."""
    folder.mkdir()
    random.seed(count)
    per_scope = count // 3
    for scope in (1, 2, 3):
        for page, first in enumerate(range(0, per_scope, 5_000), start=1):
            items = [_azure_item(number) for number in range(first, min(first + 5_000, per_scope))]
            last = first + 5_000 >= per_scope
            body = {"subscriptionAccessDecisionList": [], "value": items, "skipToken": "" if last else f"t{page}"}
            path = folder / f"itemdetails.resource.2026-01.Scope{scope}.page{page:04}.json"
            path.write_text(json.dumps(body))


def _azure_item(number: int) -> dict[str, Any]:
    subscription = f"00000000-0000-0000-0000-{number // 2_000:012}"
    group = f"/subscriptions/{subscription}/resourcegroups/group-{number % 40}"
    return {
        "dataType": "ResourceItemDetailsData", "latestMonthEmissions": random.uniform(0, 5),
        "previousMonthEmissions": random.uniform(0, 5), "monthOverMonthEmissionsChangeRatio": random.uniform(-1, 1),
        "monthlyEmissionsChangeValue": random.uniform(-5, 5), "itemName": f"vm-{number}",
        "resourceGroup": f"group-{number % 40}",
        "resourceId": f"{group}/providers/microsoft.compute/virtualmachines/vm-{number}",
        "subscriptionId": subscription, "categoryType": "Resource",
        "resourceType": "microsoft.compute/virtualmachines", "location": "sweden central",
    }  # fmt: skip


def plain_csv(path: Path, count: int) -> None:
    random.seed(count)
    with path.open("w", newline="") as stream:
        _table(stream, ({"Period": month, "Account": f"team-{account}", "Where": region, "What": service,
                         "CO2 (kg)": f"{random.uniform(0, 500):.6f}"}
                        for month, account, region, service in _cells(count, AWS_REGIONS, AWS_SERVICES)))  # fmt: skip


def _table(stream: io.TextIOBase | Any, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(first)
    out.writerow(first.values())
    out.writerows(row.values() for row in rows)


def _processors(count: int) -> list[str]:
    """Names of the catalogue whose power a vendor published."""
    rows = (line.split("\t") for line in Path(DATA, "chips.tsv").read_text("utf-8").splitlines()[1:])
    names = sorted({row[2] for row in rows if row[1] == "cpu" and row[8] == "vendor" and not row[4]})
    return names[:: max(1, len(names) // count)][:count]


def jobs_csv(path: Path, count: int, *, different: bool) -> None:
    """Jobs on a few kinds of machine.

    *Different* ones have a utilisation, hours and memory of their own, and 2,000 processors, 3,000 people and
    1,000 projects among them.
    """
    random.seed(count)
    chips = _processors(2_000) if different else CPUS
    people, projects = (3_000, 1_000) if different else (30, 20)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(
            (
                "start",
                "hours",
                "platform",
                "project",
                "person",
                "phase",
                "cpu",
                "sockets",
                "gpu",
                "gpu_count",
                "memory_gb",
                "util",
                "gpu_util",
            )
        )
        for n in range(count):
            kind = random.randrange(1 << 30) if different else n % 50
            low, high = 5 + kind % 3_000 / 100, 40 + kind % 5_000 / 100
            gpu = GPUS[kind % len(GPUS)] if kind % 2 else ""
            out.writerow((
                f"2026-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00+00:00",
                round(random.uniform(0.1, 90), 4) if different else 1 + kind % 12, "cluster", f"project-{kind % projects if different else n % projects}",
                f"person-{kind % people if different else n % people}", "train", chips[kind % len(chips)], 1 + kind % 2, gpu, 1 + kind % 8 if gpu else "",
                round(64 + kind % 9_973 / 10, 1) if different else 256, f"{low:.2f}..{high:.2f}",
                f"{high:.2f}" if gpu else "",
            ))  # fmt: skip


#: format, its file, how it is made, and what the command needs besides
EXPORTS: dict[str, tuple[str, Callable[[Path, int], None], tuple[str, ...]]] = {
    "aws-data-export csv.gz": ("aws.csv.gz", aws_csv, ()),
    "aws-data-export parquet": ("aws.snappy.parquet", aws_parquet, ()),
    "gcp-bigquery csv": ("gcp.csv", gcp_csv, ()),
    "gcp-bigquery ndjson": ("gcp.ndjson", gcp_ndjson, ()),
    "azure-carbon-json": ("azure", azure_pages, ()),
    "csv": ("plain.csv", plain_csv, (
        "--format", "csv", "--map", "month=Period", "--map", "value=CO2 (kg)", "--map", "account=Account",
        "--map", "region=Where", "--map", "service=What", "--option", "unit=kg",
    )),
}  # fmt: skip
