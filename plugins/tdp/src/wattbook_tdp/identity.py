"""What the catalogue answers about a name: a chip, a cloud instance type, or a refusal with its reason."""

from __future__ import annotations

from wattbook import Identity

from wattbook_tdp import instances
from wattbook_tdp.matching import Match, match


def identity(name: str, kind: str | None) -> Identity:
    """The chip or instance type of exactly this name, or why there is none."""
    if kind == "instance":
        return _instance(name) or Identity(
            query=name, kind="instance", reason="no instance type of this name is known; give threads and gpu instead"
        )
    found = match(name, kind)
    if found.facts is None and kind is None:
        return _instance(name) or _chip(name, found)
    return _chip(name, found)


def _instance(name: str) -> Identity | None:
    found = instances.find(name)
    if found is None:
        return None
    return Identity(
        query=name,
        kind="instance",
        match=found.name,
        threads=found.threads,
        memory_gb=found.memory_gb,
        cpu=found.cpu,
        gpus=found.gpus,
        source=found.source,
    )


def _chip(name: str, found: Match) -> Identity:
    facts = found.facts
    if facts is None:
        return Identity(query=name, kind=found.kind, reason=found.reason)
    return Identity(
        query=name,
        kind=facts.kind,
        match=facts.name,
        tdp_w=facts.tdp_w,
        cores=facts.cores,
        threads=facts.threads,
        year=facts.year,
        confidence=facts.confidence,
        source=facts.source,
        reason=found.reason,
    )
