"""Levers on energy that nobody needed: idle machines, runs that failed, pipelines that a newer one overtook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wattbook.report.atoms import FAILED, OVERTAKEN, Atom
from wattbook.report.levers.model import HERE, LITERATURE, PER_ALL, Effect, Evidence, Lever, Options, Share

#: Abdalkareem and others: in ten projects, so many of the commits that start a pipeline need none, on average;
#: how far it is from one project to another they do not say, so the interval is from none to twice as many
SKIPPED = Share(value=0.18, low=0.0, high=0.36)
SKIPPED_SOURCE = (
    "18 % of commits need no pipeline: Abdalkareem et al., Which Commits Can Be CI Skipped?, IEEE TSE 2019, "
    "doi:10.1109/TSE.2019.2897300; the range from 0 to 36 % is our judgement"
)


def idle_off(evidence: Evidence, options: Options) -> Lever:
    idle = _numbers(evidence, lambda atom: atom.phase == "idle")
    hours = sum(evidence.atoms[number].hours for number in idle)
    return Lever(
        name="idle-off",
        title="Switch idle machines off",
        what="What is idle could be off, or sleep.",
        at_most=True,
        confidence=HERE,
        source="the phase idle of this book",
        caution="somebody may be waiting for the machine to answer at once; a machine that is off still draws a few watts",
        effects=dict.fromkeys(idle, Effect(less=options.part)),
        arithmetic=(f"everything under phase idle: {hours:.4g} device-hours",) if idle else (),
        unknown=None if idle else "nothing in this period is labelled idle; 'wattbook watch --record' records it",
        acts_on=idle,
    )


def early_stop(evidence: Evidence, options: Options) -> Lever:
    failed = _numbers(evidence, lambda atom: atom.fate == FAILED)
    runs = len(set().union(*(evidence.atoms[number].runs for number in failed)))
    return Lever(
        name="early-stop",
        title="Find failures earlier",
        what=f"{runs} {'run' if runs == 1 else 'runs'} ended with an error.",
        at_most=True,
        confidence=HERE,
        source="runs of this book that a signal or an error ended",
        caution="a failed run may have been worth its lesson, and checkpoints may have saved its work",
        effects=dict.fromkeys(failed, Effect(less=options.part)),
        arithmetic=(f"all energy of {runs} failed runs",) if failed else (),
        unknown=None if failed else "no run of this period ended with an error or a signal, as far as the book knows",
        later=PER_ALL,
        acts_on=failed,
    )


def pipelines(evidence: Evidence, options: Options) -> Lever:
    """Pipelines that a newer one overtook, where the book knows runs; else what others found."""
    inside = _numbers(evidence, lambda atom: atom.phase == "ci")
    overtaken = _numbers(evidence, lambda atom: atom.phase == "ci" and atom.fate == OVERTAKEN)
    common: dict[str, Any] = {
        "name": "ci",
        "title": "Run fewer pipelines",
        "unknown": None if inside else "nothing in this period is labelled ci",
        "acts_on": inside,
    }  # fmt: skip
    if overtaken:
        runs = len(set().union(*(evidence.atoms[number].runs for number in overtaken)))
        return Lever(
            what=f"{runs} {'pipeline was' if runs == 1 else 'pipelines were'} overtaken by a newer one within an hour.",
            at_most=True,
            confidence=HERE,
            source="runs of one command and project under phase ci, the next of which began within an hour",
            caution="the one before may have been wanted by itself; a cancelled pipeline has used something already",
            effects=dict.fromkeys(overtaken, Effect(less=options.part)),
            arithmetic=(f"all energy of {runs} overtaken runs",),
            **common,
        )
    return Lever(
        what="Pipelines that nobody needs could be left out, and what they build cached.",
        confidence=LITERATURE,
        source=SKIPPED_SOURCE,
        caution="which of your pipelines nobody needs, this book does not know; start them with 'wattbook run --phase ci'",
        effects=dict.fromkeys(inside, Effect(less=SKIPPED.times(options.part))),
        arithmetic=("everything under phase ci x 18 % (0 to 36 %)",) if inside else (),
        **common,
    )


def _numbers(evidence: Evidence, wanted: Callable[[Atom], bool]) -> frozenset[int]:
    return frozenset(number for number, atom in enumerate(evidence.atoms) if wanted(atom))
