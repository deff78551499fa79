"""How much better a correction is on what it has not seen: each host left out, or each day of the only host."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wattbook.calibrating.fit import Hosted, Z, fitted
from wattbook.calibrating.pairs import HostDay

MOST = 30  #: hosts, or days, of a family that are left out in turn; of more, that many spread evenly


class Score(NamedTuple):
    """Mean absolute errors as shares of the truth, before and after, and the interval's coverage."""

    before: float | None = None
    after: float | None = None
    covered: float | None = None
    left_out: str = ""


def backtest(days: Sequence[HostDay], hosts: Mapping[tuple[str, str], Hosted], model: float) -> Mapping[str, Score]:
    """For every family: fit without a host (without a day, where the family has one host), and predict it.

    *days* are those of one model, *hosts* what they add up to, *model* the spread that it declares.
    """
    by_host: dict[tuple[str, str], list[HostDay]] = defaultdict(list)
    for day in days:
        by_host[day.family, day.host].append(day)
    count: dict[str, int] = defaultdict(int)
    for family, _ in by_host:
        count[family] += 1
    told: dict[str, list[tuple[HostDay, float, float]]] = defaultdict(list)
    asked: dict[str, int] = defaultdict(int)
    for key, some in by_host.items():
        family = key[0]
        asked[family] += 1
        if (asked[family] - 1) % -(-count[family] // MOST):
            continue
        if count[family] > 1:
            rest = [host for other, host in hosts.items() if other != key]
            middle, spread = fitted(rest, model)[family]
            told[family] += [(day, middle, spread) for day in some]
        elif len(some) > 1:
            rest = [host for other, host in hosts.items() if other != key]
            for day in some[:: -(-len(some) // MOST)]:
                told[family].append((day, *fitted([*rest, hosts[key].without(day.error)], model)[family]))
    return {
        family: _score(told[family], "host" if count[family] > 1 else "day") if told[family] else Score()
        for family in count
    }


def _score(told: Sequence[tuple[HostDay, float, float]], left_out: str) -> Score:
    before = [abs(math.exp(-day.error) - 1) for day, _, _ in told]
    after = [abs(math.exp(middle - day.error) - 1) for day, middle, _ in told]
    inside = sum(abs(day.error - middle) <= Z * spread for day, middle, spread in told)
    return Score(math.fsum(before) / len(told), math.fsum(after) / len(told), inside / len(told), left_out)
