"""The nouns of a provider's interfaces: what can be fetched, and the hours that its bill names.

They are public as ``wattbook.Fetcher`` and so on, and live here because a run needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from wattbook.imported import Problem


@frozen(kw_only=True)
class Wanted:
    """What the user wants fetched: a month that is over, of an account and from a place that he named."""

    month: str  #: ``2026-09``
    account: str | None = None
    options: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Fetched:
    """Files as an interface gave them, and what their importer has to know beside them."""

    format: str  #: the importer of the same plugin that reads them
    files: tuple[Path, ...]
    account: str | None = None  #: the account that was asked, where the files do not name it
    options: Mapping[str, str] = field(factory=dict)
    problems: tuple[Problem, ...] = ()


@frozen(kw_only=True)
class Fetcher:
    """An offer to fetch, when the user asks for it by ``name``, what an importer of the same plugin reads.

    ``fetch`` writes files into the folder that it is given and returns what they are.  It raises
    ``wattbook.Unavailable(reason, remedy=...)`` without its library or credentials, and
    ``wattbook.ImportFailed`` for an answer that is not whole or a month that is not published.
    ``ready``, where there is one, says what it would ask with, from what lies on this machine alone: it uses
    no network, reads no secret, and raises ``wattbook.Unavailable`` where the library or the credentials miss.
    """

    name: str  #: as in ``wattbook import aws --month 2026-09``
    fetch: Callable[[Wanted, Path], Fetched] = field(repr=False, eq=False)
    options: Mapping[str, str] = field(factory=dict)  #: what ``--option`` may say, each in a few words
    ready: Callable[[], str] | None = field(default=None, repr=False, eq=False)


@frozen(kw_only=True)
class Usage:
    """Hours that a bill names: machines or chips of one kind, of one account, place and project.

    The rows of a bill are added up by everything but ``hours``; negative corrections are part of the sum.
    Exactly one of ``instance``, ``gpu`` and ``threads`` is given; what ``unmapped`` gives a reason for is
    nothing that a model knows.
    """

    provider: str
    account: str
    month: str  #: ``2026-09``; of the work, not of the invoice
    hours: float  #: hours of one machine, of one chip or of one thread
    start: datetime  #: of the first charge
    end: datetime  #: of the last
    instance: str = ""  #: a type that the catalogue may know
    gpu: str = ""
    threads: int = 0
    memory_gb: float = 0.0
    region: str = ""
    project: str = ""
    tags: Mapping[str, str] = field(factory=dict)
    unmapped: str = ""  #: why no machine can be named
