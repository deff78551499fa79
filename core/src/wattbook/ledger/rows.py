"""Between records and the rows of the tables: the one place that knows which field is which column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from wattbook.errors import NoRecord
from wattbook.ledger.chains import Chain, Revision, plain
from wattbook.ledger.entry_rows import context_of
from wattbook.model import Statement
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


def from_context(entry: Entry) -> dict[str, Any]:
    """The row of ``context`` for what an entry shares with others."""
    labels = entry.labels
    return {
        "context_id": context_of(entry),
        "plugin": entry.plugin, "source": entry.source, "source_version": entry.source_version,
        "cause": entry.cause, "method": entry.method,
        "project": labels.project, "phase": labels.phase, "person": labels.person, "platform": labels.platform,
        "tags": canonical(dict(labels.tags)), "place": canonical(stated(entry.place)),
        "warnings": canonical(list(entry.warnings)),
        "evidence_sha256": entry.evidence_sha256, "synthetic": int(entry.synthetic),
        "attribution": entry.attribution,
    }  # fmt: skip


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
