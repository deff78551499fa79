"""Every key of the documents that people build on is named where the report is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wattbook.cli import main
from wattbook.cli.demo import EXAMPLE

DOCS = Path(__file__).parent.parent / "docs"
#: told with the figures that they belong to, by their ends or as one of a kind
ENDS = re.compile(r"_(low|high)(_g|_j)?$")
#: tables whose keys are labels and not words of ours
LABELLED = ("by", "by_basis", "factors", "provider_scopes_g", "run", "readings", "verdicts", "leaves")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    book = tmp_path_factory.mktemp("demo") / "book.db"
    result = CliRunner().invoke(main, ["demo", "--quiet", "--close", "--keep", str(book)])
    assert result.exit_code == 0, result.output
    return book


def document(kept: Path, *arguments: str) -> Any:
    command = [*arguments, "--json", "--ledger", str(kept), "--config", str(EXAMPLE / "team.toml")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from keys_of(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if not ENDS.search(key):
                yield key
            if key not in LABELLED:
                yield from keys_of(inner)


@pytest.mark.parametrize(
    ("page", "arguments"),
    [
        ("report.md", ("report", "--month", "2026-10")),
        ("report.md", ("report", "--month", "2026-11")),
        ("report.md", ("explain", "total", "--month", "2026-10")),
        ("report.md", ("explain", "aws/222222222222", "--month", "2026-10")),
        ("how-to-reduce.md", ("whatif", "--month", "2026-10")),
    ],
)
def test_every_key_is_told_of(kept: Path, page: str, arguments: tuple[str, ...]) -> None:
    told = set(re.findall(r"`([a-z0-9_]+)`", (DOCS / page).read_text(encoding="utf-8")))
    missing = set(keys_of(document(kept, *arguments))) - told
    assert not missing, f"docs/{page} does not tell of {sorted(missing)}"


def test_the_contracts_of_a_report_hold_with_a_provider_and_a_closed_month(kept: Path) -> None:
    told = document(kept, "report", "--month", "2026-10")
    (claim,) = told["claims"]
    assert isinstance(claim["provided_g"]["location"], float)
    assert isinstance(claim["of_which_g"], float)
    assert claim["unallocated_g"] == pytest.approx(claim["provided_g"]["location"] - claim["of_which_g"])
    assert (claim["provider"], claim["account"], claim["month"]) == ("aws", "222222222222", "2026-10")
    assert isinstance(told["watermark"], str)
    assert 0 < told["coverage"]["share"] <= 1
    for basis in ("provided", "measured", "estimated"):
        assert set(told["by_basis"][basis]) == set(told["total"])
    for row in told["by"]["project"]:
        assert set(row) == {"key", "by_basis", *told["total"]}
    assert told["by_basis"]["provided"]["energy_j"] is None
