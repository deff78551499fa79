"""``focus``: a bill by the FinOps Open Cost and Usage Specification, 1.0 to 1.2, as CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator

from wattbook import ImportFailed, ImportSource, Problem, SourceFile, Usage

from wattbook_csp.bills import names
from wattbook_csp.bills.adding import Row, added
from wattbook_csp.bills.hours import Hours, Kind, Kinds, Machine, per_hour
from wattbook_csp.bills.rows import NULLS, named, plain, rows
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
#: in which rows of one kind differ; the others say what kind of row it is
VARYING = ("ChargePeriodStart", "ChargePeriodEnd", "ConsumedQuantity", "PricingQuantity", "ResourceId", "SkuPriceId")
TELLING = (
    "ChargeCategory", "ConsumedUnit", "ProviderName", "ChargeDescription", "ServiceCategory", "ServiceName",
    "ResourceType", "SkuPriceDetails", "SkuMeter", "SubAccountId", "BillingAccountId", "RegionId", "Tags",
    "PublisherName", "CommitmentDiscountStatus", "CapacityReservationStatus", "PricingUnit", "ChargeClass",
)  # fmt: skip
_SEEN = ("ChargeCategory", "ChargePeriodStart", "ConsumedQuantity", "BilledCost", "SkuPriceId")
COMPUTING = ("Compute", "AI and Machine Learning", "")  #: categories of services; an older file may have none


def sniff(file: SourceFile) -> bool:
    return named(file, _SEEN) >= 4


def read(source: ImportSource) -> Iterator[Usage | Problem]:
    notes = Notes()
    hours = Hours(notes, several=len(source.files) > 1)
    tag = source.options.get("project_tag", "project")
    account = source.account or ""

    def decide(by_price: bool, *cells: str) -> Kind | None:
        return _kind(hours, plain(cells), by_price, account, tag)

    kinds = Kinds(decide)

    def lines(file: SourceFile) -> Iterator[Row]:
        for line, start, end, quantity, price_quantity, resource, sku, *telling in rows(
            file, notes, (*VARYING, *TELLING), REQUIRED
        ):
            by_price = not quantity or quantity in NULLS
            amount = price_quantity if by_price else quantity
            kind = ("by price" if by_price else "", *telling)
            yield Row(line, amount, start, end, kind, (start, end, amount, resource, sku, *telling))

    yield from added(hours, kinds, source.files, lines, "ChargePeriodStart", "ConsumedQuantity")


def _kind(hours: Hours, cells: list[str], by_price: bool, account: str, tag: str) -> Kind | None:
    (
        category, unit, provider_name, text, service_category, service, resource_type, details, meter, sub_account,
        billing_account, region, tags, publisher, commitment, reservation, price_unit, _,
    ) = cells  # fmt: skip
    text, meter = text[: names.MAX_TEXT], meter[: names.MAX_TEXT]
    if category != "Usage" or "Unused" in (commitment, reservation):
        return None
    if service_category not in COMPUTING and "Fargate" not in text:
        return None
    provider = names.provider_of(provider_name[: names.MAX_TEXT])
    if publisher and names.provider_of(publisher[: names.MAX_TEXT]) != provider:
        return None  # a fee for software; the machine that it runs on stands in a row of its own
    time = per_hour(price_unit if by_price else unit)
    if time is None:
        return None  # requests, gigabytes
    machine = _machine(provider, text, meter, service, details, resource_type)
    if machine is None:
        hours.notes.add(f"no machine: {text[:60] or service}", kind="hours of what is no machine left out")
        return None
    if sub_account.lower().startswith("/subscriptions/"):
        sub_account = sub_account.split("/")[2]
    # Google's statements are by billing account, and its sub-accounts are projects
    whose = (billing_account or sub_account) if provider == "gcp" else (sub_account or billing_account)
    whose = whose or account  # a bill that names its accounts is believed
    whose = whose.lower() if provider == "azure" else whose
    if not whose:
        raise ImportFailed("names no account: say it with --account", field="SubAccountId")
    project = names.project_of(tags, tag) or (sub_account if provider == "gcp" else "")
    return hours.kind(provider=provider, account=whose, machine=machine, region=region, project=project, per_hour=time)


def _machine(provider: str, text: str, meter: str, service: str, details: str, resource_type: str) -> Machine | None:
    """The details name the type from version 1.1 on; before, the description does."""
    told = names.read_json(details).get("InstanceType")
    if isinstance(told, str) and told.strip():
        return Machine(instance=told.strip())
    if provider == "aws":
        return names.from_aws(text)
    if provider == "gcp":
        return names.from_gcp(text)
    if provider == "azure":
        return names.from_azure(meter or text) if "virtual machines" in f"{service} {text}".lower() else None
    if any(word in f"{text} {resource_type}".lower() for word in ("machine", "instance")):
        return Machine(unmapped=f"the bill of {provider} does not name the type of machine ({text[:80]})")
    return None
