"""Read a spool back: what a run left, whole or cut short."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

from attrs import evolve, frozen

from wattbook.records import Entry, RunRecord
from wattbook.spool.writing import VERSION

MAX_LINE_BYTES = 16 << 20
CUT = "the last line was cut short"
_SEALED = re.compile(rb'^(.*),"sum":"([0-9a-f]{8})"\}\n?$', re.S)


@frozen(kw_only=True)
class SpoolContent:
    """What one spool says.

    A spool without an end gives the entries of its last poll, and a run that is not complete and ends
    there.  ``damaged`` means that the file is foreign or was edited: then there is nothing to take.
    """

    run: RunRecord | None = None
    entries: tuple[Entry, ...] = ()
    complete: bool = False
    problems: tuple[str, ...] = ()
    damaged: bool = False
    ledger: str | None = None  #: the book that the run was meant for; ``None`` is the default one


def read(path: str | os.PathLike[str]) -> SpoolContent:
    """Read a spool, live or dead; raises ``OSError`` where the file cannot be read."""
    run: RunRecord | None = None
    ledger: str | None = None
    pieces: list[Entry] = []
    latest: list[Entry] = []
    problems: list[str] = []
    complete, until = False, ""
    share: float | None = None
    with open(path, "rb") as stream:
        for number, (line, reason) in enumerate(_lines(stream), start=1):
            if line is None:
                if reason == CUT:
                    problems.append(f"{os.path.basename(path)}:{number}: {CUT} and was dropped")
                    break
                return _damaged(path, number, reason)
            try:
                kind = line["type"]
                if number == 1 and (kind != "run" or line["spool"] > VERSION):
                    return _damaged(path, number, "this is no spool that this version of wattbook can read")
                if kind in ("run", "end"):
                    run = RunRecord.from_dict(line["run"])
                    ledger = line.get("ledger", ledger)
                if kind in ("piece", "poll", "end"):
                    entries = [Entry.from_dict(plain) for plain in line["entries"]]
                    if kind == "piece":
                        pieces += entries
                        latest = []
                    else:
                        latest = entries
                        share = line.get("process_share", share)
                    until = max([until, line.get("at", ""), *(entry.end for entry in entries)])
                elif kind == "grown":
                    latest = _grown(latest, line["at"], line["figures"])
                    until = max(until, line["at"])
                complete = complete or kind == "end"
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                return _damaged(path, number, f"a line of a spool does not look like this ({error!r})")
    if run is not None and not complete:
        run = evolve(run, complete=False, end=max(run.start, until), process_share=share)
    return SpoolContent(run=run, entries=(*pieces, *latest), complete=complete, problems=tuple(problems), ledger=ledger)


def _grown(entries: list[Entry], at: str, figures: list[list[float | None] | None]) -> list[Entry]:
    """The entries of the last poll at a later moment; raises ``ValueError`` where the line is of another poll."""
    grown = []
    for entry, figure in zip(entries, figures, strict=True):
        if figure is None:
            grown.append(evolve(entry, end=at))
        else:
            energy_j, low_j, high_j = figure
            grown.append(evolve(entry, end=at, energy_j=energy_j, low_j=low_j, high_j=high_j))
    return grown


def _lines(stream: IO[bytes]) -> Iterator[tuple[dict[str, Any] | None, str]]:
    """Every line as (content, "") or (None, what is wrong with it)."""
    raw = stream.readline(MAX_LINE_BYTES)
    while raw:
        following = stream.readline(MAX_LINE_BYTES)
        match = _SEALED.match(raw)
        try:
            line = json.loads(raw)
            whole = isinstance(line, dict)
        except ValueError:
            line, whole = None, False
        if match and whole and int(match[2], 16) == zlib.crc32(match[1]):
            yield line, ""
        elif not following and not whole:
            yield None, CUT
            return
        else:
            yield None, "the line was changed after it was written" if match else "this is no line of a spool"
            return
        raw = following


def _damaged(path: str | os.PathLike[str], number: int, reason: str) -> SpoolContent:
    return SpoolContent(problems=(f"{os.path.basename(path)}:{number}: {reason}",), damaged=True)
