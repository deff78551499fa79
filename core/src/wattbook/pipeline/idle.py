"""The idle account of a machine: what each domain drew while nothing happened, measured and dated, in one small file."""

from __future__ import annotations

import contextlib
import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wattbook.pipeline.attribute import Standing
from wattbook.records import Entry, utc_time

NAME = "idle.json"
#: where a watch that runs as a service of the system leaves it for others to read
SHARED = ("/run/wattbook", "/var/db/wattbook")
LEAST_S = 60.0  #: a shorter stretch says little about standing power
KEPT = 48  #: stretches a domain: at five minutes each the last four idle hours
MAX_DOMAINS = 500
MAX_BYTES = 4 << 20
OLDEST_DAYS = 90  #: machines change


class Idle(NamedTuple):
    """One idle stretch of one domain."""

    start: str
    end: str
    energy_j: float
    low_j: float
    high_j: float
    source: str

    @property
    def seconds(self) -> float:
        return (utc_time(self.end) - utc_time(self.start)).total_seconds()


Account = Mapping[str, tuple[Idle, ...]]  #: by a domain's address, the oldest stretch first


def grown(account: Account, entries: Iterable[Entry]) -> dict[str, tuple[Idle, ...]]:
    """The account with the measured entries of one more idle stretch; what is older than ``KEPT`` stretches goes."""
    more = dict(account)
    for e in entries:
        address = f"{e.device}/{e.domain}"
        if e.kind != "reading" or e.basis != "measured" or e.energy_j is None or e.duration_s < LEAST_S:
            continue
        if address not in more and len(more) >= MAX_DOMAINS:
            continue
        low_j, high_j = (e.energy_j if end is None else end for end in (e.low_j, e.high_j))
        one = Idle(e.start, e.end, e.energy_j, low_j, high_j, f"{e.plugin}:{e.source}")
        more[address] = (*more.get(address, ()), one)[-KEPT:]
    return more


def standing_of(account: Account, address: str, *, now: str) -> Standing | None:
    """The mean power of a domain's idle stretches that are not too old."""
    latest = utc_time(now)
    young = [one for one in account.get(address, ()) if abs((latest - utc_time(one.end)).days) <= OLDEST_DAYS]
    seconds = math.fsum(one.seconds for one in young)
    if seconds < LEAST_S:
        return None
    power_w, low_w, high_w = (
        math.fsum(getattr(one, name) for one in young) / seconds for name in ("energy_j", "low_j", "high_j")
    )
    sources = ", ".join(sorted({one.source for one in young}))
    return Standing(
        power_w=power_w,
        low_w=min(low_w, power_w),
        high_w=max(high_w, power_w),
        source=f"idle power measured by {sources} over {seconds / 60:.0f} min, {young[0].start[:16]}Z to {young[-1].end[:16]}Z",
    )


# --- the file -----------------------------------------------------------------------------------


def folders() -> list[str]:
    """Where accounts lie: beside the user's spool, then where a service leaves one for all."""
    from wattbook import spool

    try:
        return [os.path.dirname(spool.folder()), *SHARED]
    except OSError:
        return list(SHARED)


def read(folders: Iterable[str], host: str) -> Account:
    """The first account of *host* that lies in one of the folders; an empty one where there is none."""
    for folder in folders:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            with open(os.path.join(folder, NAME), "rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
            body, _, checksum = raw.decode().strip().rpartition("\t")
            if len(raw) > MAX_BYTES or checksum != f"{zlib.crc32(body.encode()):08x}":
                continue
            told = json.loads(body)
            if told["host"] == host:
                return {
                    str(address): tuple(_checked(*one) for one in stretches)
                    for address, stretches in list(told["domains"].items())[:MAX_DOMAINS]
                }
    return {}


def _checked(start: str, end: str, energy_j: Any, low_j: Any, high_j: Any, source: Any) -> Idle:
    one = Idle(start, end, float(energy_j), float(low_j), float(high_j), str(source)[:200])
    if not (0 <= one.low_j <= one.energy_j <= one.high_j < math.inf and one.seconds >= 0):
        raise ValueError("no idle stretch looks like this")
    return one


def write(folder: str, host: str, account: Account) -> None:
    """Replace the account at once; everybody who can see the folder may read it.  Raises ``OSError``."""
    body = json.dumps({"host": host, "domains": account})
    path = os.path.join(folder, NAME)
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            stream.write(f"{body}\t{zlib.crc32(body.encode()):08x}\n")
            if hasattr(os, "fchmod"):
                os.fchmod(stream.fileno(), 0o644)
        os.replace(path + ".new", path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path + ".new")
        raise
