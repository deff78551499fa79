"""``aws-cur``: the Cost and Usage Report 2.0 of AWS Data Exports, and its older spelling, as CSV or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp.bills import names
from wattbook_csp.bills.adding import Row, added
from wattbook_csp.bills.hours import Hours, Kind, Kinds, Machine, per_hour
from wattbook_csp.bills.rows import named, plain, rows
from wattbook_csp.notes import Notes

FORMAT = "aws-cur"
REQUIRED = (
    "line_item_line_item_type", "line_item_usage_type", "line_item_usage_amount", "line_item_usage_start_date",
    "line_item_usage_end_date", "line_item_usage_account_id", "line_item_product_code",
)  # fmt: skip
#: in which lines of one kind differ; the others say what kind of line it is
VARYING = (
    "line_item_usage_start_date", "line_item_usage_end_date", "line_item_usage_amount", "identity_line_item_id",
    "identity_time_interval",
)  # fmt: skip
TELLING = (
    "line_item_line_item_type", "line_item_usage_type", "line_item_usage_account_id", "line_item_product_code",
    "product_instance_type", "product_region_code", "product_region", "pricing_unit", "resource_tags",
    "resource_tags_user_project", "split_line_item_parent_resource_id", "bill_billing_entity",
)  # fmt: skip
#: use; everything else is a fee, a tax, a credit, a refund or the negation of what a savings plan covers
USED = {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"}
#: how a usage type begins that is hours of a machine of EC2 or SageMaker; what is reserved and unused is none
_EC2 = re.compile(r"(?:\w+-)?(?:Box|Spot|Dedicated|HostBox|SchedUsageBox|FleetBox)Usage\b", re.I)
_UNUSED = re.compile(r"(?:\w+-)?Unused|Reservation:", re.I)
_HOST = re.compile(r"(?:\w+-)?HostUsage:", re.I)
_EXECUTION = re.compile(r"(?:BILLING_PERIOD|billing_period)=(\d{4}-\d{2})/(\d{8}T\d{6,}Z|\d{4}-\d{2}-\d{2}T[^/]+)/")
_SEEN = ("line_item_usage_type", "line_item_usage_amount", "line_item_line_item_type", "line_item_usage_account_id")


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """``lineItem/UsageAmount`` of the older report is ``line_item_usage_amount``."""
    plain = re.sub(r"[/:]", "_", name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()


def sniff(file: SourceFile) -> bool:
    return named(file, _SEEN, canonical) >= 3


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    files = newest_execution(source.files, notes)
    hours = Hours(notes, several=len(files) > 1)
    tag = source.options.get("project_tag", "project")
    kinds = Kinds(lambda *cells: _kind(hours, plain(cells), tag))

    def lines(file: SourceFile) -> Iterator[Row]:
        for line, start, end, amount, identity, interval, *telling in rows(
            file, notes, (*VARYING, *TELLING), REQUIRED, canonical
        ):
            yield Row(line, amount, start, end, tuple(telling), (identity, interval) if identity else ())

    yield from added(hours, kinds, files, lines, "line_item_usage_start_date", "line_item_usage_amount")


def newest_execution(files: Iterable[SourceFile], notes: Notes) -> list[SourceFile]:
    """An export that keeps its versions writes each month again and again: the last time counts."""
    kept: dict[str, tuple[str, list[SourceFile]]] = {}
    others = []
    for file in files:
        found = _EXECUTION.search(file.path.as_posix())
        if found is None:
            others.append(file)
            continue
        month, written = found.groups()
        newest, some = kept.get(month, ("", []))
        if written > newest:
            if some:
                notes.add(f"{month}: what was written {newest} left out, {written} is newer")
            kept[month] = (written, [file])
        elif written == newest:
            some.append(file)
        else:
            notes.add(f"{month}: what was written {written} left out, {newest} is newer")
    return [*others, *(file for _, (_, some) in sorted(kept.items()) for file in some)]


def _kind(hours: Hours, cells: list[str], tag: str) -> Kind | None:
    kind, usage_type, account, product, instance, region, older_region, unit, tags, older_project, parent, entity = (
        cells
    )
    # a split line is a part of the line of the machine that it ran on
    if kind not in USED or parent or entity == "AWS Marketplace":
        return None
    machine = _machine(product, usage_type, instance)
    time = per_hour(unit or "Hrs")
    if machine is None or time is None:
        return None
    if not account:
        raise ImportFailed("is empty", field="line_item_usage_account_id")
    return hours.kind(
        provider="aws", account=account, machine=machine, region=region or older_region,
        project=names.project_of(tags, tag) or older_project, per_hour=time,
    )  # fmt: skip


def _machine(product: str, usage_type: str, instance: str) -> Machine | None:
    """The machine whose hours a usage type counts; what EMR and others charge on top of EC2's is none."""
    if _UNUSED.match(usage_type):
        return None
    told = usage_type.rpartition(":")[2] if ":" in usage_type else ""
    if product == "AmazonEC2" and _EC2.match(usage_type):
        return Machine(instance=instance or told or "m1.small")  # the bare name is the first type that there was
    if product == "AmazonEC2" and _HOST.match(usage_type):
        return Machine(unmapped=f"a dedicated host ({told[:40]}): its instances stand in lines of their own")
    if product == "AmazonSageMaker" and ":ml." in usage_type:
        return Machine(instance=told)
    if "Fargate" in usage_type and "vCPU" in usage_type:
        return Machine(threads=1)
    return None
