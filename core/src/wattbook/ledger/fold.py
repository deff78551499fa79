"""Move what finished runs left in the spool into the book."""

from __future__ import annotations

import os

from attrs import frozen

from wattbook import spool
from wattbook.errors import LedgerError, NoRecord
from wattbook.ledger.connect import parse_url, printable, users_own
from wattbook.ledger.store import Ledger


@frozen(kw_only=True)
class Folded:
    """How many spools went to the book, with how many entries, and what could not go there."""

    files: int = 0
    new: int = 0
    known: int = 0
    problems: tuple[str, ...] = ()


def fold_in(ledger: Ledger, state_dir: str | os.PathLike[str] | None = None) -> Folded:
    """Take every spool whose writer is done or dead; a file goes away only after its entries are safe.

    A spool that was meant for another book stays; one that is damaged is set aside and named.  Doing it
    twice, or in two processes at once, does it once.
    """
    files = new = known = 0
    problems: list[str] = []
    for path in spool.paths(None if state_dir is None else os.fspath(state_dir)):
        try:
            live = spool.is_live(path)  # before reading: a run may end between the two
            content = spool.read(path)
            if live and not content.complete:
                continue
            if content.damaged:
                kept = spool.set_aside(path)
                problems += [f"{problem}: set aside as {kept}" for problem in content.problems]
                continue
        except FileNotFoundError:
            continue  # another process was faster
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror or error}")
            continue
        if not _meant_for(ledger, content.ledger):
            continue
        try:
            added = ledger.add(content.entries, [] if content.run is None else [content.run])
        except NoRecord as error:
            problems.append(f"{path}: set aside as {spool.set_aside(path)}: {error}")
            continue
        except LedgerError as error:
            problems.append(f"{path}: stays where it is: {error}")
            continue
        files, new, known = files + 1, new + added.new, known + added.known
        problems += content.problems
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            problems.append(f"{path}: is in the book but cannot be removed: {error.strerror}")
    return Folded(files=files, new=new, known=known, problems=tuple(problems))


def _meant_for(ledger: Ledger, url: str | None) -> bool:
    """A run that named no book, nor the environment for it, was meant for the user's own."""
    try:
        return printable(parse_url(url or users_own())) == ledger.url
    except LedgerError:
        return False
