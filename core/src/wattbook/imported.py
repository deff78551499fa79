"""The nouns of importing and of the catalogue: files, importers, statements, recordings, identities.

They are part of ``wattbook.model`` and live here because a run needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from attrs import field, frozen

from wattbook.model import Basis, Gap, Reading

if TYPE_CHECKING:
    from wattbook.cloud import Usage

#: for sums and units to the last digit, where the usual 28 digits would round; what does not fit even here is an error
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])


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


class Piece(NamedTuple):
    """Some rows of a ``Sheet``, column by column; every column is as long as the others."""

    services: Sequence[str]
    regions: Sequence[str]
    resources: Sequence[str]
    figures: Sequence[Sequence[str]]  #: a column a view, as the file has them; an empty text is no figure


@frozen(kw_only=True)
class Sheet:
    """Many figures that share all but place, view and value: what a large export yields instead of statements.

    It stands for one ``Statement`` for each figure in its rows.  ``pieces`` can be called again and again and
    holds a bounded number of rows in memory; no place occurs twice.
    """

    provider: str
    account: str
    month: str
    views: tuple[tuple[str, str], ...]  #: scope and method of each column of figures
    unit_raw: str
    unit_kg: Decimal  #: a power of ten
    pieces: Callable[[], Iterator[Piece]] = field(repr=False, eq=False)
    number: Callable[[str], Decimal] = field(default=Decimal, repr=False, eq=False)  #: from a figure as it stands there
    model_version: str = ""
    version_key: tuple[int | str, ...] = ()
    published_at: datetime | None = None
    payer: str = ""
    interface: str = ""
    resolution_kg: Decimal | None = None
    completeness: str = "complete"

    def kilograms(self, figure: str) -> Decimal:
        """A figure as kilograms, exact."""
        number = self.number(figure)
        return EXACT.scaleb(number, self.unit_kg.adjusted()) if number else Decimal(0)

    def statements(self) -> Iterator[Statement]:
        """The same, one by one."""
        for piece in self.pieces():
            for service, region, resource, *figures in zip(*piece[:3], *piece.figures, strict=True):
                for (scope, method), raw in zip(self.views, figures, strict=True):
                    if raw:
                        yield Statement(
                            provider=self.provider, account=self.account, month=self.month, service=service,
                            region=region, resource=resource, scope=scope, method=method,
                            co2e_kg=self.kilograms(raw), value_raw=raw, unit_raw=self.unit_raw,
                            model_version=self.model_version, version_key=self.version_key,
                            published_at=self.published_at, payer=self.payer, interface=self.interface,
                            resolution_kg=self.resolution_kg, completeness=self.completeness,
                        )  # fmt: skip


@frozen(kw_only=True)
class Importer:
    """An offer to read one format.

    ``sniff`` looks at one file's name and head and must cost nothing.  ``read`` yields statements, or
    one recording per file, or the ``Usage`` that a bill names, plus ``Problem`` for what it skipped; it raises ``ImportFailed``.
    ``gathers`` says that several files of one import are parts (pages, partitions) of one export.
    ``sheets``, where there is one, is asked instead of ``read``: it yields the same, and ``Sheet`` for what
    may be millions of statements.
    """

    format: str
    basis: Basis
    sniff: Callable[[SourceFile], bool] = field(repr=False, eq=False)
    read: Callable[[ImportSource], Iterator[Statement | Recording | Usage | Problem]] = field(repr=False, eq=False)
    gathers: bool = False
    sheets: Callable[[ImportSource], Iterator[Statement | Sheet | Recording | Usage | Problem]] | None = field(
        default=None, repr=False, eq=False
    )
