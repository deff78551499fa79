"""``focus``: a bill by the FinOps Open Cost and Usage Specification, 1.0 to 1.2, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp.bills import names
from wattbook_csp.bills.hours import Hours, Machine, hours_of, moment, period_end
from wattbook_csp.bills.rows import named, rows
from wattbook_csp.notes import Notes

FORMAT = "focus"
REQUIRED = (
    "ChargeCategory",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ProviderName",
)
COLUMNS = (
    *REQUIRED, "ChargeDescription", "ServiceCategory", "ServiceName", "ResourceType", "SkuPriceDetails", "SkuMeter",
    "SubAccountId", "BillingAccountId", "RegionId", "Tags", "PublisherName", "CommitmentDiscountStatus",
    "PricingQuantity", "PricingUnit", "ResourceId", "SkuPriceId", "ChargeClass", "CapacityReservationStatus",
)  # fmt: skip
_TELLING = ("ChargeCategory", "ChargePeriodStart", "ConsumedQuantity", "BilledCost", "SkuPriceId")
COMPUTING = ("Compute", "AI and Machine Learning", "")  #: categories of services; an older file may have none


def sniff(file: SourceFile) -> bool:
    return named(file, _TELLING) >= 4


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag", "project")
    for file in source.files:
        hours.next_file()
        for line, cells in rows(file, notes, COLUMNS, REQUIRED):
            try:
                _take(hours, cells, source.account, tag)
            except ImportFailed as refused:
                raise ImportFailed(refused.reason, path=file.path, line=line, field=refused.field) from None
    yield from hours.usages()


def _take(hours: Hours, cells: list[str], account: str | None, tag: str) -> None:
    (
        category, start, end, quantity, unit, provider_name, text, service_category, service, resource_type, details,
        meter, sub_account, billing_account, region, tags, publisher, commitment, pricing_quantity, pricing_unit,
        resource, sku, charge_class, reservation,
    ) = cells  # fmt: skip
    text, meter = text[: names.MAX_TEXT], meter[: names.MAX_TEXT]
    if category != "Usage" or "Unused" in (commitment, reservation):
        return
    if service_category not in COMPUTING and "Fargate" not in text:
        return
    provider = names.provider_of(provider_name[: names.MAX_TEXT])
    if publisher and names.provider_of(publisher[: names.MAX_TEXT]) != provider:
        return  # a fee for software; the machine that it runs on stands in a row of its own
    if not quantity:
        quantity, unit = pricing_quantity, pricing_unit
    if not quantity:
        return
    try:
        found = hours_of(quantity, unit)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field="ConsumedQuantity") from None
    if found is None:
        return  # requests, gigabytes
    machine = _machine(provider, text, meter, service, names.read_json(details), resource_type)
    if machine is None:
        hours.notes.add(f"no machine: {text[:60] or service}", kind="hours of what is no machine left out")
        return
    if len(sub_account) > len("/subscriptions/") and sub_account.lower().startswith("/subscriptions/"):
        sub_account = sub_account.split("/")[2]
    # Google's statements are by billing account, and its sub-accounts are projects
    whose = (billing_account or sub_account) if provider == "gcp" else (sub_account or billing_account)
    whose = (account or whose).lower() if provider == "azure" else (account or whose)
    if not whose:
        raise ImportFailed("names no account: say it with --account", field="SubAccountId")
    if hours.known((start, end, resource, sku, text, quantity, charge_class, whose, sub_account, region, tags)):
        return
    field = "ChargePeriodStart"
    try:
        first = moment(start)
        field = "ChargePeriodEnd"
        last = period_end(end)
        if last <= first:
            raise ImportFailed("ends before it begins")
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, field=field) from None
    project = names.project_of(tags, tag) or (sub_account if provider == "gcp" else "")
    hours.add(machine, found, provider=provider, account=whose, start=first, end=last, region=region, project=project)


def _machine(provider: str, text: str, meter: str, service: str, details: object, resource_type: str) -> Machine | None:
    """The details name the type from version 1.1 on; before, the description does."""
    if isinstance(details, dict) and isinstance(told := details.get("InstanceType"), str) and told.strip():
        return Machine(instance=told.strip())
    if provider == "aws":
        return names.from_aws(text)
    if provider == "gcp":
        return names.from_gcp(text)
    if provider == "azure":
        if "virtual machines" not in f"{service} {text}".lower():
            return None
        return names.from_azure(meter or text)
    if "machine" in f"{text} {resource_type}".lower() or "instance" in f"{text} {resource_type}".lower():
        return Machine(unmapped=f"the bill of {provider} does not name the type of machine ({text[:80]})")
    return None
