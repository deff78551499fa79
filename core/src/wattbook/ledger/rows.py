"""Between records and the rows of the tables: the one place that knows which field is which column."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from wattbook.errors import NoRecord
from wattbook.ledger.chains import Chain, Revision, plain
from wattbook.model import Basis, Statement
from wattbook.records import (
    Entry,
    Labels,
    Place,
    RunRecord,
    Snapshot,
    canonical,
    stated,
    text_id,
    utc_text,
    utc_time,
)


def from_entry(entry: Entry) -> tuple[dict[str, Any], str]:
    """The row of ``entry`` and the key of its context; raises ``NoRecord`` for what has no place in a book."""
    _check(entry)
    try:
        context_id = _context_of(entry)
        content = entry.content(context_id)
        if "\\u0000" in content and any("\0" in str(value) for value in entry.own(context_id).values()):
            raise ValueError("it holds a NUL character")
        row = {
            "entry_id": text_id(content), "context_id": context_id, "kind": entry.kind, "run_id": entry.run_id,
            "start_at": entry.start, "end_at": entry.end, "host": entry.host, "device": entry.device,
            "domain": entry.domain, "basis": entry.basis, "energy_j": entry.energy_j, "low_j": entry.low_j,
            "high_j": entry.high_j, "outermost": int(entry.outermost), "reason": entry.reason,
            "terms": canonical([dict(term) for term in entry.terms]) if entry.terms else None,
            "supersedes": entry.supersedes,
        }  # fmt: skip
    except (ValueError, TypeError) as error:
        raise NoRecord(f"an entry of run {entry.run_id} cannot be written down: {error}") from error
    return row, context_id


_CONTEXTS: dict[Any, str] = {}
_MAX_CONTEXTS = 100_000  #: remembered; beyond, the memory is emptied


def _context_of(entry: Entry) -> str:
    """``entry.context_id``, remembered: hashing it costs more than all the rest."""
    labels = entry.labels
    key = (
        entry.plugin, entry.source, entry.source_version, entry.cause, entry.method, entry.warnings, entry.place,
        entry.evidence_sha256, entry.synthetic, labels.project, labels.phase, labels.person, labels.platform,
        tuple(labels.tags.items()) if labels.tags else None, entry.attribution,
    )  # fmt: skip
    known = _CONTEXTS.get(key)
    if known is None:
        if len(_CONTEXTS) >= _MAX_CONTEXTS:
            _CONTEXTS.clear()
        known = _CONTEXTS[key] = entry.context_id
    return known


def from_stored(entry: Entry) -> str:
    """The id that this content must have; nothing is checked but the hash."""
    return text_id(entry.content(_context_of(entry)))


def from_context(entry: Entry) -> dict[str, Any]:
    """The row of ``context`` for what an entry shares with others."""
    labels = entry.labels
    return {
        "context_id": _context_of(entry),
        "plugin": entry.plugin, "source": entry.source, "source_version": entry.source_version,
        "cause": entry.cause, "method": entry.method,
        "project": labels.project, "phase": labels.phase, "person": labels.person, "platform": labels.platform,
        "tags": canonical(dict(labels.tags)), "place": canonical(stated(entry.place)),
        "warnings": canonical(list(entry.warnings)),
        "evidence_sha256": entry.evidence_sha256, "synthetic": int(entry.synthetic),
        "attribution": entry.attribution,
    }  # fmt: skip


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@lru_cache(50_000)
def _is_moment(text: str) -> bool:
    """Remembered, for a fleet's entries begin and end together."""
    return _MOMENT.fullmatch(text) is not None


def _check(entry: Entry) -> None:
    """Refuse at the door: times that do not sort, and energies that no meter can have seen."""
    for moment in (entry.start, entry.end):
        if not _is_moment(moment):
            raise NoRecord(f"an entry of run {entry.run_id} has {moment!r} for a time in UTC")
    if entry.end < entry.start:
        raise NoRecord(f"an entry of run {entry.run_id} ends at {entry.end}, before it starts")
    for joules in (entry.energy_j, entry.low_j, entry.high_j):
        if joules is not None and not 0 <= joules < math.inf:
            raise NoRecord(f"an entry of run {entry.run_id} for {entry.device}/{entry.domain} says {joules:g} J")
    if entry.kind in ("reading", "model") and (entry.energy_j is None or entry.basis not in _BASES):
        raise NoRecord(f"a reading of run {entry.run_id} needs an energy and a basis")


_BASES = {str(basis) for basis in Basis}


def to_context(row: Row[Any]) -> dict[str, Any]:
    """What many entries share, as arguments of ``Entry``."""
    return {
        "plugin": row.plugin, "source": row.source, "source_version": row.source_version, "cause": row.cause,
        "method": row.method, "warnings": tuple(json.loads(row.warnings)),
        "labels": Labels(
            project=row.project, phase=row.phase, person=row.person, platform=row.platform, tags=json.loads(row.tags)
        ),
        "place": Place(**json.loads(row.place)), "evidence_sha256": row.evidence_sha256,
        "synthetic": bool(row.synthetic), "attribution": row.attribution,
    }  # fmt: skip


def to_entry(row: Row[Any], shared: Mapping[str, Any]) -> Entry:
    return Entry(
        kind=row.kind, run_id=row.run_id, start=row.start_at, end=row.end_at, host=row.host, device=row.device,
        domain=row.domain, basis=row.basis, energy_j=row.energy_j, low_j=row.low_j, high_j=row.high_j,
        outermost=row.outermost == 1, reason=row.reason, terms=tuple(json.loads(row.terms)) if row.terms else (),
        supersedes=row.supersedes, **shared,
    )  # fmt: skip


def from_run(record: RunRecord) -> dict[str, Any]:
    try:
        content = canonical(stated(record))
    except (ValueError, TypeError) as error:
        raise NoRecord(f"the run {record.run_id!r} cannot be written down: {error}") from error
    return {
        "record_id": text_id(content), "run_id": record.run_id, "kind": record.kind,
        "parent_id": record.parent_id, "start_at": record.start, "end_at": record.end,
        "complete": int(record.complete), "host": record.host, "content": content,
    }  # fmt: skip


def to_run(row: Row[Any]) -> RunRecord:
    return RunRecord.from_dict(json.loads(row.content))


def from_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "sha256": snapshot.sha256, "format": snapshot.format, "plugin": snapshot.plugin,
        "plugin_version": snapshot.plugin_version, "paths": canonical(list(snapshot.paths)),
        "synthetic": int(snapshot.synthetic),
    }  # fmt: skip


def from_revision(revision: Revision, snapshot: Snapshot) -> dict[str, Any]:
    chain = revision.chain
    return {
        "provider": chain.provider, "interface": chain.interface, "account": chain.account, "payer": chain.payer,
        "month": chain.month, "revision": revision.revision, "content_id": revision.content_id,
        "model_version": revision.model_version, "version_key": canonical(list(revision.version_key)),
        "standing": revision.standing, "reason": revision.reason, "supersedes": revision.supersedes,
        "snapshot_sha256": snapshot.sha256, "synthetic": int(snapshot.synthetic),
    }  # fmt: skip


def to_revision(row: Row[Any] | Mapping[str, Any], *, size: int = 0) -> Revision:
    get = row._mapping if isinstance(row, Row) else row
    return Revision(
        chain=Chain(
            provider=get["provider"], interface=get["interface"], account=get["account"], payer=get["payer"],
            month=get["month"],
        ),
        revision=get["revision"], content_id=get["content_id"], version_key=tuple(json.loads(get["version_key"])),
        model_version=get["model_version"], standing=get["standing"], reason=get["reason"],
        supersedes=get["supersedes"], size=size,
    )  # fmt: skip


def from_statement(statement: Statement, content: str) -> dict[str, Any]:
    return {
        "content_id": content, "service": statement.service, "region": statement.region,
        "resource": statement.resource, "scope": statement.scope, "method": statement.method,
        "co2e_kg": plain(statement.co2e_kg), "value_raw": statement.value_raw, "unit_raw": statement.unit_raw,
        "resolution_kg": None if statement.resolution_kg is None else plain(statement.resolution_kg),
        "published_at": None if statement.published_at is None else utc_text(statement.published_at),
        "completeness": statement.completeness,
    }  # fmt: skip


def to_statement(row: Row[Any] | Mapping[str, Any], revision: Revision) -> Statement:
    get = row._mapping if isinstance(row, Row) else row
    chain = revision.chain
    return Statement(
        provider=chain.provider, account=chain.account, month=chain.month, payer=chain.payer,
        interface=chain.interface, service=get["service"], region=get["region"], resource=get["resource"],
        scope=get["scope"], method=get["method"], co2e_kg=Decimal(get["co2e_kg"]), value_raw=get["value_raw"],
        unit_raw=get["unit_raw"], model_version=revision.model_version, version_key=revision.version_key,
        published_at=None if get["published_at"] is None else utc_time(get["published_at"]),
        resolution_kg=None if get["resolution_kg"] is None else Decimal(get["resolution_kg"]),
        completeness=get["completeness"],
    )  # fmt: skip
