"""Import the carbon figures that cloud providers computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

import wattbook


class Format(NamedTuple):
    """A row of the table of formats; the module has ``sniff(file)`` and ``read(source)``, for large exports ``read_sheets(source)``."""

    name: str
    module: str

    def sniff(self, file: wattbook.SourceFile) -> bool:
        return bool(self._module().sniff(file))

    def read(
        self, source: wattbook.ImportSource
    ) -> Iterator[wattbook.Statement | wattbook.Recording | wattbook.Usage | wattbook.Problem]:
        yield from self._module().read(source)

    def sheets(
        self, source: wattbook.ImportSource
    ) -> Iterator[wattbook.Statement | wattbook.Sheet | wattbook.Recording | wattbook.Problem]:
        module = self._module()
        yield from getattr(module, "read_sheets", module.read)(source)

    def _module(self) -> Any:
        return import_module(f"wattbook_csp.{self.module}")


#: every format that this plugin reads; to add one, write its module and name it here
FORMATS = (
    Format("aws-console-csv", "aws_console_csv"),
    Format("aws-data-export", "aws_data_export"),
    Format("gcp-bigquery", "gcp_bigquery"),
    Format("aws-api-json", "aws_api_json"),
    Format("aws-ccft-json", "aws_ccft_json"),
    Format("azure-carbon-json", "azure_carbon_json"),
    Format("azure-mcfs", "azure_mcfs"),
    Format("scaleway-json", "scaleway_json"),
    Format("ovh-csv", "ovh_csv"),
    Format("oci-json", "oci_json"),
    Format("ibm-json", "ibm_json"),
    Format("exoscale-json", "exoscale_json"),
    Format("csv", "csv_map"),
)
#: bills: hours of machines instead of carbon; what they used is estimated
BILLS = (
    Format("focus", "bills.focus"),
    Format("aws-cur", "bills.aws_cur"),
    Format("gcp-billing", "bills.gcp_billing"),
    Format("azure-cost", "bills.azure_cost"),
)


@wattbook.hookimpl
def import_provided(source: wattbook.ImportSource, config: object) -> Iterable[wattbook.Importer | wattbook.Fetcher]:
    """One offer a format and one an interface; nothing is read and no format's module is loaded."""
    for form in FORMATS:
        yield wattbook.Importer(
            format=form.name,
            basis=wattbook.Basis.PROVIDED,
            sniff=form.sniff,
            read=form.read,
            gathers=True,
            sheets=form.sheets,
        )
    for bill in BILLS:
        yield wattbook.Importer(
            format=bill.name, basis=wattbook.Basis.ESTIMATED, sniff=bill.sniff, read=bill.read, gathers=True
        )
    from wattbook_csp.fetch import fetchers

    yield from fetchers()
