"""``gcp-billing``: Google's billing export to BigQuery, standard or detailed, as NDJSON, a JSON list or CSV."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp import decimals, json_rows, pages
from wattbook_csp.bills import names
from wattbook_csp.bills.adding import Row, added
from wattbook_csp.bills.hours import Hours, Kind, Kinds, Machine, moment, per_hour, span
from wattbook_csp.bills.rows import named, plain, rows
from wattbook_csp.notes import Notes

FORMAT = "gcp-billing"
REQUIRED = (
    "billing_account_id", "service_description", "sku_description", "usage_start_time", "usage_end_time",
    "usage_amount", "usage_unit",
)  # fmt: skip
#: in which rows of one kind differ; the others say what kind of row it is
VARYING = ("usage_start_time", "usage_end_time", "usage_amount", "resource_name")
TELLING = (
    "billing_account_id", "service_description", "sku_description", "usage_unit", "cost_type", "project_id",
    "location_region", "location_location", "system_labels", "labels",
)  # fmt: skip
_SEEN = ("billing_account_id", "sku_description", "usage_start_time", "usage_amount", "usage_unit", "cost_type")
MACHINE_SPEC, CORES = "compute.googleapis.com/machine_spec", "compute.googleapis.com/cores"
SECOND = timedelta(seconds=1)  #: of what ran for no second that was counted
#: families whose types contain their accelerators (cloud.google.com/compute/docs/accelerator-optimized-machines)
WITH_GPUS = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    return re.sub(r"[._]+", "_", name).lower()


def sniff(file: SourceFile) -> bool:
    if _is_json(file):
        return all(f'"{name}"'.encode() in file.head for name in ("billing_account_id", "sku", "usage_start_time"))
    return named(file, _SEEN, canonical) >= 5


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag", "")
    kinds = Kinds(lambda *cells: _kind(hours, plain(cells), tag))

    def lines(file: SourceFile) -> Iterator[Row]:
        for line, start, end, amount, resource, *telling in _rows(file, notes):
            yield Row(line, amount, start, end, tuple(telling), (start, end, amount, resource, *telling))

    yield from added(hours, kinds, source.files, lines, "usage_start_time", "usage.amount", _window)


def _window(start: str, end: str) -> tuple[tuple[datetime, str], datetime]:
    if start != end:
        return span(start, end)
    first = moment(start)
    return first, first[0] + SECOND


def _is_json(file: SourceFile) -> bool:
    return file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _rows(file: SourceFile, notes: Notes) -> Iterator[tuple[Any, ...]]:
    if not _is_json(file):
        yield from rows(file, notes, COLUMNS, REQUIRED, canonical)
        return
    for line, row in json_rows.rows(file):
        for name, path in _PATHS.items():
            if name in REQUIRED and pages.get(row, *path) is None:
                raise ImportFailed("the field is missing", path=file.path, line=line, field=".".join(path))
        yield line, *(_scalar(pages.get(row, *_PATHS[name])) for name in COLUMNS)


COLUMNS = (*VARYING, *TELLING)
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


def _scalar(value: Any) -> str:
    """Labels are a list of keys and values, which stays text as in CSV."""
    return json.dumps(value) if isinstance(value, list) else pages.text(value)


def _kind(hours: Hours, cells: list[str], tag: str) -> Kind | None:
    account, service, sku, unit, cost_type, project, region, location, system, labels = cells
    if service != "Compute Engine" or cost_type not in ("", "regular"):
        return None
    spec = _labels(system)
    machine, cores = _machine(sku[: names.MAX_TEXT], spec.get(MACHINE_SPEC, ""), spec.get(CORES, ""))
    time = per_hour(unit)
    if machine is None or time is None:
        return None
    if not account:
        raise ImportFailed("is empty", field="billing_account_id")
    return hours.kind(
        provider="gcp", account=account, machine=machine, region=region or location, per_hour=time * cores,
        project=(_labels(labels).get(tag, "") if tag else "") or project,
    )  # fmt: skip


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


def _labels(text: str) -> Mapping[str, str]:
    """Labels as BigQuery writes them: a list of keys and values."""
    if not text.startswith("["):
        return {}
    found = pages.objects(names.read_json(f'{{"labels": {text}}}').get("labels"))
    return {pages.text(one.get("key")): pages.text(one.get("value")) for one in found}
