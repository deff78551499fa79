"""The machine under watch: its plugins, its meters that come and go, and the load of its processors."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve

from wattbook.config import Config
from wattbook.model import Domain, Gap, Host, Window
from wattbook.pipeline import Survey, survey
from wattbook.pipeline.growing import Grower
from wattbook.pipeline.settle import Figure, Settled, Stretch, settle, source_of
from wattbook.plugins import Plugins
from wattbook.polling import MeterThread, close, poll
from wattbook.records import Entry
from wattbook.resolve import Offer
from wattbook.sampling import CpuTimes, LoadHistogram, tree_cpu_s
from wattbook.utilisation import Utilisation

ESTIMATE_TIMEOUT_S = 10.0
PERMISSION = re.compile(r"permi(t|ssion)|denied|root|privilege|administrator", re.IGNORECASE)


class Machine:
    """Reads the machine stretch by stretch; the caller says when a stretch begins and ends."""

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        host: Host,
        *,
        cpu_times: Callable[[], CpuTimes | None] = CpuTimes.now,
    ) -> None:
        self.config, self.plugins, self.host = config, plugins, host
        self.surveyed: Survey
        self.threads: list[MeterThread] = []
        self.loads = LoadHistogram()
        self.seen = Utilisation()
        self.warnings: dict[str, None] = {}
        self._grower = Grower()
        self._cpu_times = cpu_times
        self._own_s: float | None = None
        self._start_s = self._tick_s = 0.0
        self._told_broken: set[int] = set()
        self._had: set[str] = set()  #: sources that were chosen once
        self._missing: set[str] = set()  #: those of them that cannot be used now

    # --- meters ---------------------------------------------------------------------------------

    def look(self) -> bool:
        """Ask what can be measured now, open what is new and leave what is gone; whether anything changed.

        To be called between two stretches: a meter that is opened anew begins to count at zero.
        """
        self.surveyed = survey(self.host, self.config, self.plugins)
        chosen = {source_of(v): v.meter for v in self.surveyed.resolution.verdicts if v.meter is not None}
        self._had |= set(chosen)
        self._missing = self._had - {offer.source for offer in self.surveyed.offers if offer.fate is None}
        for verdict in self.surveyed.resolution.verdicts:
            if verdict.fate == "broken":
                self.warnings[f"{source_of(verdict)} is broken: {verdict.reason}"] = None
        keep = [t for t in self.threads if t.source in chosen and t.is_alive()]
        gone = [t for t in self.threads if t not in keep and t.is_alive()]
        for thread in gone:
            thread.ask(stop=True)
        kept = {thread.source for thread in keep}
        new = [MeterThread(source, meter) for source, meter in chosen.items() if source not in kept]
        for thread in new:
            thread.start()
        changed = bool(new or len(keep) != len(self.threads))
        self.threads = [*keep, *new]
        return changed

    def lost(self) -> list[MeterThread]:
        """Meters that have stopped since the last time this was asked."""
        found = [t for t in self.threads if t.broken and id(t) not in self._told_broken]
        self._told_broken = {id(t) for t in self.threads if t.broken}
        return found

    @property
    def complete(self) -> bool:
        """Whether every source that was ever used can still be."""
        return not self._missing and not any(thread.broken for thread in self.threads)

    def wait_open(self, wait: Callable[[float], object], tries: int = 30) -> None:
        """Give the meters a moment to open, so that the first stretch has figures."""
        for _ in range(tries):
            if all(thread.opened or thread.broken for thread in self.threads):
                return
            wait(0.1)

    def close(self) -> list[str]:
        """Stop every meter; answers with the names of those that hang."""
        poll(self.threads, stop=True)
        return [thread.source for thread in close(self.threads)]

    # --- stretches ------------------------------------------------------------------------------

    def begin(self, at_s: float, *, skip: bool = False) -> None:
        """A stretch begins; with *skip*, what happened since the last reading belongs to none."""
        if skip:
            poll(self.threads)
            self.loads.skip(self._cpu_times())
        self.loads.clear()
        for thread in self.threads:
            thread.start_stretch()
        self._own_s = tree_cpu_s(os.getpid())
        self._start_s = self._tick_s = at_s
        self._grower.forget()

    def tick(self, at_s: float) -> None:
        """Read everything as it stands now."""
        self.loads.take(self._cpu_times(), at_s - self._tick_s)
        self.seen.memory.look(at_s)
        self._tick_s = at_s
        for late in poll(self.threads):
            self.warnings[f"{late.source} did not answer in time"] = None

    def settle(self, moment: datetime, *, over: bool = False) -> Settled:
        """The running stretch, accounted for up to the last tick; *moment* is the label of its start.

        With *over*, the models are asked about what was measured too.
        """
        duration_s = self._tick_s - self._start_s
        window = Window(start=moment, end=moment + timedelta(seconds=duration_s))
        stretch = Stretch.from_threads(window, self.loads, self.threads)
        if over:
            self.seen.add(self.loads, stretch.devices(self.surveyed.resolution.verdicts))
        settled = settle(
            stretch, self.surveyed, self.plugins,
            pue=self.config.site.pue, timeout_s=ESTIMATE_TIMEOUT_S, compare=over,
        )  # fmt: skip
        for broken in settled.broken:
            self.warnings[f"the plugin {broken.plugin} is broken: {broken.reason}"] = None
        for sentence in settled.silent:
            self.warnings[sentence] = None
        return settled._replace(gaps=tuple(explained(settled.gaps, self.surveyed)))

    def seen_so_far(self) -> dict[str, Any]:
        """What was seen of the machine since this was asked last."""
        seen, self.seen = self.seen.as_dict(self.host.memory_gb), Utilisation()
        return seen

    def settled(self, entries: list[Entry]) -> None:
        """These are the running stretch's entries up to the last tick, from which the next ones may grow."""
        self._grower.whole(entries, self._tick_s - self._start_s, self.loads, self.threads)

    def grown(self) -> list[Figure | None] | None:
        """The figures of those entries at the last tick; ``None`` where they have to be settled anew."""
        verdicts = self.surveyed.resolution.verdicts
        return self._grower.grown(self._tick_s - self._start_s, self.loads, self.threads, verdicts)

    def own_share(self) -> float | None:
        """Processor time of wattbook itself over the machine's busy time, in the running stretch."""
        now_s = tree_cpu_s(os.getpid())
        if now_s is None or self._own_s is None or self.loads.busy_s <= 0:
            return None
        return min(1.0, max(0.0, now_s - self._own_s) / self.loads.busy_s)


def explained(gaps: Iterable[Gap], surveyed: Survey) -> list[Gap]:
    """Gaps with the reasons of the sources that could cover them, if they could be used."""
    tree = surveyed.resolution.tree

    def could(offer: Offer, domain: Domain) -> bool:
        return any(tree.overlap(d.address, domain.address) for d in offer.domains)

    found = []
    for gap in gaps:
        why = [o for o in surveyed.offers if o.fate == "unavailable" and could(o, gap.domain)]
        barred = [offer for offer in why if PERMISSION.search(offer.reason)]
        told = "; ".join(dict.fromkeys(f"{offer.source}: {offer.reason}" for offer in barred))
        found.append(evolve(gap, reason=f"no permission: {gap.reason} ({told})") if told else gap)
    return found


def moment_of(wall_s: float) -> datetime:
    return datetime.fromtimestamp(wall_s, UTC)
