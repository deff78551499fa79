"""Import the carbon figures that cloud providers computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

import wattbook
from attrs import frozen


@frozen
class Format:
    """A row of the table of formats; the module has ``sniff(file)`` and ``read(source)``."""

    name: str
    module: str

    def sniff(self, file: wattbook.SourceFile) -> bool:
        return bool(self._module().sniff(file))

    def read(
        self, source: wattbook.ImportSource
    ) -> Iterator[wattbook.Statement | wattbook.Recording | wattbook.Problem]:
        yield from self._module().read(source)

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


@wattbook.hookimpl
def import_provided(source: wattbook.ImportSource, config: object) -> Iterable[wattbook.Importer]:
    """One offer a format; nothing is read and no format's module is loaded."""
    for form in FORMATS:
        yield wattbook.Importer(
            format=form.name, basis=wattbook.Basis.PROVIDED, sniff=form.sniff, read=form.read, gathers=True
        )
