"""A report by person with names: what its rows are sums of is found by the names, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from wattbook.config import Config, Privacy
from wattbook.explaining.figures import derive
from wattbook.people.keys import Keys
from wattbook.people.showing import named
from wattbook.report import Period, build
from wattbook.testing.entries import a_run, an_entry

NAMES = ("Ada", "Bo", "Cy", "Di", "Ed", "Flo")


def test_the_derivation_of_a_named_row_is_that_of_its_figure(tmp_path: Path) -> None:
    privacy = Privacy(keys=str(tmp_path / "people.json"))
    told = Keys.of(privacy).pseudonyms(NAMES)
    entries = []
    for number, name in enumerate(NAMES):
        entry = an_entry(3.6e6 * (number + 1), host=f"h{number}")
        entries.append(evolve(entry, labels=evolve(entry.labels, person=told[name])))
    made = build(entries, [], [a_run()], Config(), Period.from_month("2026-10", "UTC"), ("person",))
    report = named(made, privacy)
    assert [row.key for row in report.by["person"]] == list(reversed(NAMES))
    derived = derive(report, 4)
    for place, row in enumerate(report.by["person"][:4]):
        assert derived.figures[f"f-0-{place}"].total == row.total
    rest = derived.figures["f-0-rest"].total
    assert rest is not None
    assert rest.energy is not None
    assert rest.energy.value == 3.6e6 * 3
    assert named(made, Privacy(keys=str(tmp_path / "nobody.json"))).by == made.by


@pytest.mark.parametrize("dims", [("project",), ()])
def test_a_report_without_people_is_left_as_it_is(tmp_path: Path, dims: tuple[str, ...]) -> None:
    made = build([an_entry()], [], [a_run()], Config(), Period.from_month("2026-10", "UTC"), dims)
    assert named(made, Privacy(keys=str(tmp_path / "people.json"))) is made
