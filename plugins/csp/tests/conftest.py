"""What the tests of this plugin share: reading a source, and its totals."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import wattbook_csp
from wattbook import Importer, ImportSource, Problem, Statement
from wattbook.testing import a_source

DATA = Path(__file__).parent / "data"

Items = list[Statement | Problem]
Totals = dict[tuple[str, str, str], Decimal]


def _read(*paths: Path | str, as_format: str | None = None, **said: object) -> Items:
    """Everything that the fitting importer says about *paths*; a relative one lies in tests/data."""
    source: ImportSource = a_source(*(DATA / path for path in paths), **said)
    offers = [o for o in wattbook_csp.import_provided(source=source, config=None) if isinstance(o, Importer)]
    if as_format is None:
        fitting = {offer.format for offer in offers for file in source.files if offer.sniff(file)}
        (as_format,) = fitting
    (importer,) = [offer for offer in offers if offer.format == as_format]
    return list(importer.read(source))  # type: ignore[arg-type]


@pytest.fixture
def read() -> Callable[..., Items]:
    return _read


@pytest.fixture
def statements() -> Callable[..., list[Statement]]:
    def only(*paths: Path | str, **said: object) -> list[Statement]:
        return [item for item in _read(*paths, **said) if isinstance(item, Statement)]  # type: ignore[arg-type]

    return only


@pytest.fixture
def reasons() -> Callable[..., list[str]]:
    def only(*paths: Path | str, **said: object) -> list[str]:
        return [item.reason for item in _read(*paths, **said) if isinstance(item, Problem)]  # type: ignore[arg-type]

    return only


@pytest.fixture
def totals() -> Callable[..., Totals]:
    """Kilograms by month, scope and method."""

    def add(*paths: Path | str, **said: object) -> Totals:
        sums: Totals = {}
        for item in _read(*paths, **said):  # type: ignore[arg-type]
            if isinstance(item, Statement):
                cell = (item.month, item.scope, item.method)
                sums[cell] = sums.get(cell, Decimal(0)) + item.co2e_kg
        return sums

    return add


@pytest.fixture
def providers() -> Path:
    """The folder of providers' samples, which lies outside the project."""
    folder = os.environ.get("WATTBOOK_PROVIDERS")
    if not folder:
        pytest.skip("WATTBOOK_PROVIDERS does not name the folder of providers' samples")
    return Path(folder)
