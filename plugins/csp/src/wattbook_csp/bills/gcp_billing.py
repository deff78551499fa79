"""``gcp-billing``: Google's billing export to BigQuery, standard or detailed, as NDJSON, a JSON list or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp import decimals, json_rows, pages
from wattbook_csp.bills import names
from wattbook_csp.bills.hours import Hours, Machine, hours_of, moment, period_end
from wattbook_csp.bills.rows import named, rows
from wattbook_csp.notes import Notes

FORMAT = "gcp-billing"
REQUIRED = (
    "billing_account_id", "service_description", "sku_description", "usage_start_time", "usage_end_time",
    "usage_amount", "usage_unit",
)  # fmt: skip
COLUMNS = (*REQUIRED, "cost_type", "project_id", "location_region", "location_location", "resource_name",
           "system_labels", "labels")  # fmt: skip
_TELLING = ("billing_account_id", "sku_description", "usage_start_time", "usage_amount", "usage_unit", "cost_type")
MACHINE_SPEC, CORES = "compute.googleapis.com/machine_spec", "compute.googleapis.com/cores"
#: families whose types contain their accelerators (cloud.google.com/compute/docs/accelerator-optimized-machines)
WITH_GPUS = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    return re.sub(r"[._]+", "_", name).lower()


def sniff(file: SourceFile) -> bool:
    if _is_json(file):
        return all(f'"{name}"'.encode() in file.head for name in ("billing_account_id", "sku", "usage_start_time"))
    return named(file, _TELLING, canonical) >= 5


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag")
    for file in source.files:
        hours.next_file()
        for line, cells in _cells(file, notes):
            try:
                _take(hours, cells, tag)
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, line=line, field=refused.field) from None
    yield from hours.usages()


def _is_json(file: SourceFile) -> bool:
    return file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _cells(file: SourceFile, notes: Notes) -> Iterator[tuple[int, list[Any]]]:
    if not _is_json(file):
        yield from rows(file, notes, COLUMNS, REQUIRED, canonical)
        return
    for line, row in json_rows.rows(file):
        for name, path in _PATHS.items():
            if name in REQUIRED and pages.get(row, *path) is None:
                raise ImportFailed("the field is missing", path=file.path, line=line, field=".".join(path))
        yield line, [_scalar(pages.get(row, *path)) for path in _PATHS.values()]


_PATHS = {
    **{name: (name,) for name in COLUMNS},
    "service_description": ("service", "description"),
    "sku_description": ("sku", "description"),
    "usage_amount": ("usage", "amount"),
    "usage_unit": ("usage", "unit"),
    "project_id": ("project", "id"),
    "location_region": ("location", "region"),
    "location_location": ("location", "location"),
    "resource_name": ("resource", "name"),
}


def _scalar(value: Any) -> Any:
    return value if isinstance(value, list) else pages.text(value)


def _take(hours: Hours, cells: list[Any], tag: str | None) -> None:
    (
        account, service, sku, start, end, amount, unit, cost_type, project, region, location, resource, system, labels,
    ) = cells  # fmt: skip
    if service != "Compute Engine" or cost_type not in ("", "regular") or not amount:
        return
    spec = _labels(system)
    machine, cores = _machine(sku[: names.MAX_TEXT], spec.get(MACHINE_SPEC, ""), spec.get(CORES, ""))
    if machine is None:
        return
    try:
        found = hours_of(amount, unit)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="usage.amount") from None
    if found is None:
        return
    if not account:
        raise ImportFailed("is empty", field="billing_account_id")
    if hours.known((account, project, sku, start, end, amount, resource, location, str(labels))):
        return
    field = "usage_start_time"
    try:
        first = moment(start)
        field = "usage_end_time"
        last = period_end(end)
        if last <= first:
            last = first + timedelta(seconds=1)  # an instance that ran for no second that was counted
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
    named_project = _labels(labels).get(tag, "") if tag else ""
    hours.add(
        machine, found / cores, provider="gcp", account=account, start=first, end=last, region=region or location,
        project=named_project or project,
    )  # fmt: skip


@lru_cache(maxsize=65_536)
def _machine(sku: str, spec: str, cores: str) -> tuple[Machine | None, Decimal]:
    """The machine of a row and how many of its hours one of the machine's is.

    Cores, memory and accelerators of one machine are rows of their own.  Where the type is told, the
    cores say how long it ran; the accelerators that it contains are then part of it.
    """
    machine = names.from_gcp(sku)
    if machine is None or not spec:
        return machine, Decimal(1)
    if machine.threads and cores:
        number = decimals.parse(cores)
        return (Machine(instance=spec), number) if number > 0 else (machine, Decimal(1))
    if machine.gpu and spec.startswith(WITH_GPUS):
        return None, Decimal(1)
    return machine, Decimal(1)


def _labels(value: Any) -> Mapping[str, str]:
    """Labels as BigQuery writes them: a list of keys and values, in JSON or as its text."""
    if isinstance(value, str):
        if not value.startswith("["):
            return {}
        value = names.read_json(f'{{"labels": {value}}}').get("labels")
    return {pages.text(one.get("key")): pages.text(one.get("value")) for one in pages.objects(value)}
