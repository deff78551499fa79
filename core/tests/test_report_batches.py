"""Batches change no figure: a report is the same to the last digit however its entries are bundled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook.accounting.overlaps import without_overlaps
from wattbook.accounting.totals import counts, total
from wattbook.config import Account, Config
from wattbook.records import Entry, Labels, Place, RunRecord
from wattbook.report import Period, build
from wattbook.report.as_json import as_json
from wattbook.report.batches import batched
from wattbook.report.build import DEFAULT_DIMENSIONS
from wattbook.report.bundles import bundled, bundles_of, entries_in
from wattbook.report.settled import settled
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
CONFIG = Config(accounts={"acme/1": Account(platforms=("cloud",))})
HALL = Place(site="hall", zone="SG", pue=1.3)
RUNS = ("run-1", "run-2", "watch")

ENTRIES = st.lists(
    st.builds(
        lambda hour, length, joules, run, host, address, error, phase, platform, basis: an_entry(
            joules * KWH, start=START + timedelta(hours=hour), hours=length, run_id=run, host=host, address=address,
            error=error, phase=phase, platform=platform, basis=basis, place=HALL,
        ),
        st.sampled_from([-200, 0, 1, 2, 3, 620]), st.sampled_from([0.5, 1.0, 2.0, 30.0]), st.floats(0, 100),
        st.sampled_from(RUNS), st.sampled_from(["a", "b", ""]), st.sampled_from(["cpu:0/package", "gpu:0/board"]),
        st.sampled_from([None, 0.1, 0.3]), st.sampled_from(["train", "idle"]), st.sampled_from([None, "cloud"]),
        st.sampled_from(["measured", "estimated"]),
    ),
    max_size=12,
)  # fmt: skip


def runs_of(entries: list[Entry]) -> list[RunRecord]:
    found = []
    for name in RUNS:
        some = [entry for entry in entries if entry.run_id == name]
        if some:
            start, end = min(e.start for e in some), max(e.end for e in some)
            kind = "watch" if name == "watch" else "run"
            found.append(evolve(a_run(name), start=start, end=end, kind=kind))
    return found


def apart(entry: Entry) -> Entry:
    """The same entry with labels and a place that are equal, and not the same: it is a batch by itself."""
    labels = entry.labels
    return evolve(entry, labels=Labels(phase=labels.phase, platform=labels.platform), place=evolve(entry.place))


def document(entries: list[Entry], runs: list[RunRecord], dims: tuple[str, ...] = DEFAULT_DIMENSIONS) -> Any:
    return as_json(build(entries, [a_statement("10")], runs, CONFIG, OCTOBER, dims))


@given(ENTRIES)
@settings(max_examples=60)
def test_a_report_does_not_depend_on_how_entries_are_bundled(entries: list[Entry]) -> None:
    runs = runs_of(entries)
    assert document(entries, runs) == document([apart(entry) for entry in entries], runs)


@given(ENTRIES, st.randoms())
@settings(max_examples=60)
def test_a_report_does_not_depend_on_the_order_of_entries(entries: list[Entry], random: Any) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    dims = ("day", "month", "project")
    assert document(entries, runs_of(entries), dims) == document(shuffled, runs_of(entries), dims)


@given(ENTRIES)
@settings(max_examples=60)
def test_settling_by_runs_leaves_what_settling_by_entries_leaves(entries: list[Entry]) -> None:
    inside = list(entries_in(bundles_of(entries, OCTOBER)))
    runs = {run.run_id: run for run in runs_of(entries)}
    expected, told = without_overlaps(inside, runs)
    kept, lost = settled(bundled(inside), runs, {}, OCTOBER, ())
    got = list(entries_in(kept))
    assert total(got) == total(expected)
    assert sorted(e.entry_id for e in got if counts(e)) == sorted(e.entry_id for e in expected if counts(e))
    assert lost == told


@given(ENTRIES)
def test_bundles_hold_every_entry_once(entries: list[Entry]) -> None:
    assert sorted(e.entry_id for e in entries_in(bundled(entries))) == sorted(e.entry_id for e in entries)


def test_windows_that_follow_each_other_are_one_span_and_others_are_not() -> None:
    entries = [an_entry(start=START + timedelta(hours=hour)) for hour in (0, 1, 2, 5)]
    labels = entries[0].labels
    (batch,) = batched([evolve(entry, labels=labels, place=HALL) for entry in entries])
    assert [(start[11:13], end[11:13]) for start, end in batch.spans] == [
        (entries[0].start[11:13], entries[2].end[11:13]), (entries[3].start[11:13], entries[3].end[11:13])
    ]  # fmt: skip
    assert batch.microseconds == 4 * 3600 * 10**6


def test_a_gap_and_a_reading_of_one_domain_are_two_batches() -> None:
    assert len(batched([an_entry(address="gpu:0/board"), a_gap_entry()])) == 2
