"""The nouns of importing and of the catalogue: files, importers, statements, recordings, identities.

They are part of ``wattbook.model`` and live here because a run needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO

from attrs import field, frozen

from wattbook.model import Basis, Gap, Reading


@frozen(kw_only=True)
class Identity:
    """What a catalogue says about the name of a chip or of a cloud instance type: a match, or why there is none."""

    query: str
    kind: str | None = None  #: ``cpu``, ``gpu``, ``accelerator``, ``instance``
    match: str | None = None
    tdp_w: float | None = None
    cores: int | None = None
    threads: int | None = None
    memory_gb: float | None = None  #: of a cloud instance type
    cpu: str = ""  #: of a cloud instance type, as the catalogue names it
    gpus: tuple[str, ...] = ()  #: of a cloud instance type, one name a device
    year: int | None = None
    confidence: str | None = None  #: ``vendor``, ``secondary``, ``unofficial``
    source: str = ""
    reason: str = ""  #: how it matched, or why it was refused and what an estimate would use instead


@frozen(kw_only=True)
class SourceFile:
    """One file to import; ``head`` holds its first bytes, decompressed where it is gzip."""

    path: Path
    head: bytes
    gzip: bool = False
    opener: Callable[[], IO[bytes]] = field(repr=False, eq=False)

    def open(self) -> IO[bytes]:
        """The decompressed bytes, from the start, as a stream."""
        return self.opener()


@frozen(kw_only=True)
class ImportSource:
    """What the user handed over: files that belong together, and what he said about them."""

    files: tuple[SourceFile, ...] = ()
    account: str | None = None
    host: str | None = None
    start: datetime | None = None  #: start of a recording that does not say when it began
    interval_s: float | None = None  #: sampling interval of a recording without times
    options: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Problem:
    """Something in a file that was skipped or looks wrong."""

    reason: str
    line: int | None = None
    path: str | None = None


@frozen(kw_only=True)
class Recording:
    """An instrument's recording, added up: what ``wattbook.RecordingBuilder`` makes from samples.

    ``readings`` are what goes to the book (pieces of at most an hour); they are empty where the
    recording has no times.  ``mean_power_w`` and ``energy_j`` are keyed by domain name, summed over
    devices, with ``total`` for the outermost domains.
    """

    format: str
    samples: int
    mean_power_w: Mapping[str, float]
    energy_j: Mapping[str, float] | None
    readings: tuple[Reading, ...] = ()
    gaps: tuple[Gap, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    duration_s: float | None = None
    hardware: str | None = None
    tool_version: str | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class Statement:
    """One figure as a provider reports it: its own scope, method, version and unit, value unchanged."""

    provider: str  #: ``aws``, ``gcp``, ``azure``
    account: str
    month: str  #: ``2025-09``; ``2025`` for a figure that is only given by year
    service: str = ""
    region: str = ""
    resource: str = ""
    scope: str  #: ``1``, ``2``, ``3``, ``total``
    method: str  #: ``location``, ``market``, ``unsplit``
    co2e_kg: Decimal
    value_raw: str
    unit_raw: str
    model_version: str = ""
    version_key: tuple[int | str, ...] = ()  #: orders versions of one (account, month); compared like tuples
    published_at: datetime | None = None
    payer: str = ""
    interface: str = ""  #: which of the provider's interfaces: ``data-export``, ``console``, ``api``
    resolution_kg: Decimal | None = None
    completeness: str = "complete"  #: ``complete``, ``partial``, ``provisional``

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two rows the same figure inside one snapshot."""
        return (
            self.provider, self.account, self.payer, self.month, self.service,
            self.region, self.resource, self.scope, self.method,
        )  # fmt: skip


@frozen(kw_only=True)
class Importer:
    """An offer to read one format.

    ``sniff`` looks at one file's name and head and must cost nothing.  ``read`` yields statements, or
    one recording per file, plus ``Problem`` for what it skipped; it raises ``ImportFailed``.
    ``gathers`` says that several files of one import are parts (pages, partitions) of one export.
    """

    format: str
    basis: Basis
    sniff: Callable[[SourceFile], bool] = field(repr=False, eq=False)
    read: Callable[[ImportSource], Iterator[Statement | Recording | Problem]] = field(repr=False, eq=False)
    gathers: bool = False
