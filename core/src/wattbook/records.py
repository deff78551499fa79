"""What is written down: entries, runs and snapshots, as lines of the spool and rows of the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from attrs import Factory, asdict, field, fields, frozen

from wattbook.model import Gap, Reading, Term


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: sorts as text, and survives a round trip exactly."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def utc_time(text: str) -> datetime:
    """The inverse of ``utc_text``; raises ``ValueError`` for any other spelling."""
    if len(text) != 27 or text[-1] != "Z" or text[10] != "T":
        raise ValueError(f"{text!r} is not a moment as utc_text writes it")
    return datetime.fromisoformat(text)


def canonical(value: Any) -> str:
    """One JSON text for one value: keys sorted, no blanks, no NaN."""
    if _ENCODE is None or isinstance(value, str):
        return _ENCODER.encode(value)
    return "".join(_ENCODE(value, 0))


_TEXT = json.encoder.encode_basestring
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
#: what ``encode`` makes anew for every value
_MAKE = getattr(json.encoder, "c_make_encoder", None)
_ENCODE: Any = _MAKE and _MAKE(None, _ENCODER.default, _TEXT, None, ":", ",", True, False, False)


def content_id(value: Any) -> str:
    """A hash of the canonical content, 128 bits of BLAKE2b in hexadecimal."""
    return text_id(canonical(value))


def text_id(text: str) -> str:
    """The hash of a text, 128 bits of BLAKE2b in hexadecimal."""
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _number_text(value: float) -> str:
    if isfinite(value):
        return repr(value)
    raise ValueError(f"{value} is not a number that JSON knows")


def _float(value: float | None) -> float | None:
    """A plain float, so that 5 and 5.0, or 0.0 and -0.0, are one content on every database."""
    return None if value is None else float(value) + 0.0


@frozen(kw_only=True)
class Place:
    """Where energy was used: what turns joules into carbon on reading."""

    site: str = "default"
    zone: str | None = None
    zone_assumed: bool = False  #: taken from the system's time zone, not configured
    pue: float | None = None  #: ``None``: the facility is not counted
    intensity_g_per_kwh: float | None = None  #: configured by the user, with its source
    intensity_source: str | None = None
    intensity_year: int | None = None


@frozen(kw_only=True)
class Labels:
    """The dimensions of a report."""

    project: str | None = None
    phase: str | None = None
    person: str | None = None
    platform: str | None = None
    tags: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Entry:
    """One line of the book: joules of one domain over one window, or a gap with its reason.

    A line of kind ``model`` is what an estimator says of a domain that was measured: it stands beside the
    measured reading, is never an addend, and serves calibration alone.
    ``outermost`` is true for an addend and false for a breakdown of one.  The id is the hash of the
    content, so that the same content again is no new row; ``recorded_at`` is not part of it.  What an
    entry shares with many others (``CONTEXT``) is hashed by itself and stands in the content by that hash.
    Only what differs from a field's default is hashed: a field added later changes no old id.
    """

    kind: str = "reading"  #: ``reading``, ``gap`` or ``model``
    run_id: str
    start: str  #: ``utc_text``
    end: str
    host: str
    device: str
    domain: str
    basis: str | None
    energy_j: float | None = field(converter=_float)
    low_j: float | None = field(default=None, converter=_float)
    high_j: float | None = field(default=None, converter=_float)
    outermost: bool = True
    plugin: str = ""
    source: str = ""
    source_version: str = ""
    cause: str = ""
    method: str = ""
    reason: str = ""
    terms: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    labels: Labels = Labels()
    place: Place = Place()
    evidence_sha256: str | None = None
    synthetic: bool = False
    attribution: str = ""  #: whose energy this is, where only a part of the machine's was caused by the run
    supersedes: str | None = None  #: id of the entry that this one corrects; ``reason`` says why

    @property
    def context_id(self) -> str:
        """The hash of what this entry shares with many others."""
        return content_id(stated(self, CONTEXT))

    @property
    def entry_id(self) -> str:
        return text_id(self.content(self.context_id))

    def own(self, context_id: str) -> dict[str, Any]:
        """What is hashed: the fields that are the entry's own, and the hash of the others."""
        said: dict[str, Any] = {
            "context": context_id, "run_id": self.run_id, "start": self.start, "end": self.end,
            "host": self.host, "device": self.device, "domain": self.domain,
        }  # fmt: skip
        if self.basis is not None:
            said["basis"] = self.basis
        if self.energy_j is not None:
            said["energy_j"] = self.energy_j
        if self.low_j is not None:
            said["low_j"] = self.low_j
        if self.high_j is not None:
            said["high_j"] = self.high_j
        if self.kind != "reading":
            said["kind"] = self.kind
        if not self.outermost:
            said["outermost"] = False
        if self.reason:
            said["reason"] = self.reason
        if self.terms:
            said["terms"] = [dict(term) for term in self.terms]
        if self.supersedes is not None:
            said["supersedes"] = self.supersedes
        return said

    def content(self, context_id: str) -> str:
        """``canonical(self.own(context_id))``, put together key by key: a book hashes millions of these."""
        text = _TEXT
        said = "{" if self.basis is None else f'{{"basis":{text(self.basis)},'
        said += f'"context":{text(context_id)},"device":{text(self.device)},"domain":{text(self.domain)}'
        said += f',"end":{text(self.end)}'
        if self.energy_j is not None:
            said += f',"energy_j":{_number_text(self.energy_j)}'
        if self.high_j is not None:
            said += f',"high_j":{_number_text(self.high_j)}'
        said += f',"host":{text(self.host)}'
        if self.kind != "reading":
            said += f',"kind":{text(self.kind)}'
        if self.low_j is not None:
            said += f',"low_j":{_number_text(self.low_j)}'
        if not self.outermost:
            said += ',"outermost":false'
        if self.reason:
            said += f',"reason":{text(self.reason)}'
        said += f',"run_id":{text(self.run_id)},"start":{text(self.start)}'
        if self.supersedes is not None:
            said += f',"supersedes":{text(self.supersedes)}'
        if self.terms:
            said += f',"terms":{canonical([dict(term) for term in self.terms])}'
        return said + "}"

    @property
    def duration_s(self) -> float:
        return (utc_time(self.end) - utc_time(self.start)).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``Entry.from_dict`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Entry:
        """Keys that this version does not know are ignored: old readers, new rows."""
        known = {k: v for k, v in plain.items() if k in _ENTRY_FIELDS}
        known["labels"] = _known(Labels, plain.get("labels") or {})
        known["place"] = _known(Place, plain.get("place") or {})
        known["terms"] = tuple(plain.get("terms") or ())
        known["warnings"] = tuple(plain.get("warnings") or ())
        return cls(**known)

    @classmethod
    def from_reading(
        cls,
        reading: Reading,
        *,
        run_id: str,
        host: str,
        plugin: str,
        source_version: str = "",
        outermost: bool = True,
        labels: Labels = Labels(),
        place: Place = Place(),
        evidence_sha256: str | None = None,
        synthetic: bool = False,
        kind: str = "reading",
    ) -> Entry:
        return cls(
            kind=kind,
            run_id=run_id,
            start=utc_text(reading.window.start),
            end=utc_text(reading.window.end),
            host=host,
            device=reading.domain.device,
            domain=reading.domain.name,
            basis=str(reading.basis),
            energy_j=reading.energy_j,
            low_j=reading.low_j,
            high_j=reading.high_j,
            outermost=outermost and kind == "reading",
            plugin=plugin,
            source=reading.source,
            source_version=source_version,
            cause=cause_of(reading, plugin),
            method=reading.method,
            terms=told_terms(reading),
            warnings=reading.warnings,
            labels=labels,
            place=place,
            evidence_sha256=evidence_sha256,
            synthetic=synthetic,
        )

    @classmethod
    def from_gap(
        cls,
        gap: Gap,
        *,
        run_id: str,
        host: str,
        labels: Labels = Labels(),
        place: Place = Place(),
        synthetic: bool = False,
    ) -> Entry:
        return cls(
            kind="gap",
            run_id=run_id,
            start=utc_text(gap.window.start),
            end=utc_text(gap.window.end),
            host=host,
            device=gap.domain.device,
            domain=gap.domain.name,
            basis=None,
            energy_j=None,
            low_j=gap.low_j if gap.high_j is not None else None,
            high_j=gap.high_j,
            outermost=False,
            reason=gap.reason,
            labels=labels,
            place=place,
            synthetic=synthetic,
        )


def cause_of(reading: Reading, plugin: str) -> str:
    """What a reading is wrong together with: the cause that it names, else its source."""
    return reading.cause or f"{reading.basis}:{plugin}:{reading.source}"


#: the fields that many entries share: where a figure comes from and how it is labelled
CONTEXT = (
    "plugin", "source", "source_version", "cause", "method", "warnings", "labels", "place", "evidence_sha256",
    "synthetic", "attribution",
)  # fmt: skip


def stated(record: Any, names: Collection[str] | None = None) -> dict[str, Any]:
    """The fields of a record (those of *names* only) that differ from their defaults, as plain JSON values."""
    said: dict[str, Any] = {}
    for name, default in _defaults(type(record)):
        value = getattr(record, name)
        if value != default and (names is None or name in names):
            if type(value) in _SIMPLE:
                said[name] = value
            else:
                said[name] = stated(value) if isinstance(value, (Labels, Place)) else _plain(value)
    return said


_SIMPLE = {str, int, float, bool, type(None)}


def _plain(value: Any) -> Any:
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (tuple, list)) else value


def _defaults(cls: Any) -> list[tuple[str, Any]]:
    if cls not in _DEFAULTS:
        _DEFAULTS[cls] = [
            (a.name, a.default.factory() if isinstance(a.default, Factory) else a.default)  # type: ignore[arg-type]
            for a in fields(cls)
        ]
    return _DEFAULTS[cls]


_DEFAULTS: dict[Any, list[tuple[str, Any]]] = {}


@frozen(kw_only=True)
class RunRecord:
    """One command, import or hand-written figure that entries belong to."""

    run_id: str
    kind: str = "run"  #: ``run``, ``import``, ``log``
    parent_id: str | None = None
    start: str
    end: str
    complete: bool = True  #: false for a run that was killed; ``end`` is then its last recorded poll
    host: str = ""
    command: str = ""  #: the program's name only; arguments and paths stay with the user
    exit_code: int | None = None
    signal: str | None = None
    process_share: float | None = None
    units: float | None = None  #: how much work it did, where somebody said so: 1000 tokens
    unit: str = ""  #: of what
    activity: Mapping[str, Any] = field(factory=dict)  #: what was seen of the machine: ``wattbook.utilisation``
    labels: Labels = Labels()
    verdicts: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> RunRecord:
        known = {k: v for k, v in plain.items() if k in _RUN_FIELDS}
        known["labels"] = _known(Labels, plain.get("labels") or {})
        known["activity"] = dict(plain.get("activity") or {})
        known["verdicts"] = tuple(plain.get("verdicts") or ())
        known["warnings"] = tuple(plain.get("warnings") or ())
        return cls(**known)


@frozen(kw_only=True)
class Snapshot:
    """The files of one import, identified by the hash of their content."""

    sha256: str
    format: str
    plugin: str
    plugin_version: str = ""
    paths: tuple[str, ...] = ()  #: names only, no folders of the importing machine
    synthetic: bool = False


def terms_from(entry: Entry) -> tuple[Term, ...]:
    """The typed terms of an entry's estimate."""
    return tuple(_known(Term, term) for term in entry.terms)


def told_terms(reading: Reading) -> tuple[dict[str, Any], ...]:
    """The terms of a reading as an entry keeps them; a family only where there is one, so that others are as ever."""
    return tuple(
        [{n: getattr(term, n) for n in _TERM_FIELDS if n != "family" or term.family} for term in reading.terms]
    )


def _known(cls: Any, plain: Mapping[str, Any]) -> Any:
    names = {a.name for a in fields(cls)}
    return cls(**{k: v for k, v in plain.items() if k in names})


_TERM_FIELDS = tuple(a.name for a in fields(Term))
_ENTRY_FIELDS = {a.name for a in fields(Entry)}
_RUN_FIELDS = {a.name for a in fields(RunRecord)}
