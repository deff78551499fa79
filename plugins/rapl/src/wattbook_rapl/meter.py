"""Two offers to measure with RAPL, one for each interface of the kernel, checked against each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wattbook import Domain, Host, Meter, Sample, Unavailable

from wattbook_rapl.domains import Place, in_order
from wattbook_rapl.presence import absent, shown
from wattbook_rapl.settings import Config

if TYPE_CHECKING:  # where the kernel shows no counters none of these is loaded
    from pathlib import Path

    from wattbook_rapl.perf import Kernel
    from wattbook_rapl.session import CounterFile, Session

ERROR = 0.05  #: relative half width of the 90 % interval of RAPL's package energy
INTERVAL_S = 10.0  #: AMD's counters turn after 65 s at 1000 W; never more than 60
LOOK_S = 0.01
MOVES_WITHIN_S = 0.3  #: a package that idles at 1 W counts sixteen times in a millisecond
COMPARED_S = 0.15
TOLERANCE = 0.10  #: by which the two interfaces may differ over ``COMPARED_S``, besides ``TOLERANCE_J``
TOLERANCE_J = 0.05


class Offer:
    """What the kernel shows on one host."""

    def __init__(
        self,
        host: Host,
        config: Config | None = None,
        kernel: Kernel | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host, self.config = host, config or Config()
        self.clock, self.sleep = clock, sleep
        self._kernel = kernel
        self._found: dict[str, tuple[Domain, ...]] = {}

    @property
    def root(self) -> Path:
        from pathlib import Path

        return Path(self.config.root)

    def meters(self) -> Iterator[Meter]:
        for interface in ("powercap", "perf"):
            if self.config.interface in (interface, "both"):
                yield self._meter(interface)

    def _meter(self, interface: str) -> Meter:
        @contextmanager
        def opened() -> Iterator[Session]:
            if interface not in self._found:
                self.probe(interface)
            with self._session(interface, self._found[interface]) as session:
                yield session

        packages = range(max(1, len(self.host.cpus)))
        return Meter(
            name=interface,
            domains=tuple(Place(package=i, name="package").domain(self.host) for i in packages),
            error=ERROR,
            interval_s=INTERVAL_S,
            probe=lambda: self.probe(interface),
            open=opened,
        )

    def probe(self, interface: str) -> Sequence[Domain]:
        """Domains whose counters can be read, move, and agree with the other interface where that can be read."""
        if not shown(interface, self.config.root):
            raise absent(interface)
        readable = self._readable(interface)
        with self._session(interface, readable) as session:
            moving = self._moving(session)
        if not any(domain.name == "package" for domain in moving):
            raise Unavailable(
                "the energy counter of the package stands still",
                remedy="none on this machine: a virtual machine may show counters that do not count",
            )
        if self.config.interface == "both":
            moving = self._agreed(interface, moving)
        self._found[interface] = tuple(domain for domain in readable if domain in moving)
        return self._found[interface]

    def _files(self, interface: str) -> list[CounterFile]:
        from wattbook_rapl import perf, powercap

        if interface == "perf":
            kernel = self._kernel or perf.Linux()
            return [perf.EventFile(event, kernel) for event in perf.events(self.root)]
        return [powercap.ZoneFile(zone) for zone in powercap.zones(self.root, amd=_is_amd(self.root))]

    def _readable(self, interface: str) -> list[Domain]:
        """The domains of which every counter can be read and has ever counted; a package must be among them."""
        files = self._files(interface)
        useless: set[Place] = set()
        refusal: OSError | None = None
        for file in files:
            package = file.place.name == "package"
            try:
                if file.read() == 0 and not package:
                    useless.add(file.place)
            except (OSError, ValueError) as error:
                useless.add(file.place)
                if package:
                    refusal = error if isinstance(error, OSError) else OSError(0, "it holds no number")
            finally:
                file.close()
        places = in_order([place for place in dict.fromkeys(file.place for file in files) if place not in useless])
        if not any(place.name == "package" for place in places):
            from wattbook_rapl import perf, powercap

            if interface == "perf":
                raise perf.explain(perf.events(self.root), refusal, self.root)
            raise powercap.explain(powercap.zones(self.root, amd=False), refusal)
        return [place.domain(self.host) for place in places]

    @contextmanager
    def _session(self, interface: str, domains: Sequence[Domain]) -> Iterator[Session]:
        by_domain: dict[Domain, list[CounterFile]] = {domain: [] for domain in domains}
        for file in self._files(interface):
            domain = file.place.domain(self.host)
            if domain in by_domain:
                by_domain[domain].append(file)
        from wattbook_rapl.session import Session

        session = Session(by_domain, clock=self.clock)
        session.start()
        try:
            yield session
        finally:
            session.close()

    def _moving(self, session: Session) -> set[Domain]:
        """All domains but the packages whose counter stands still; the other counters may have coarse steps."""
        until_s = self.clock() + MOVES_WITHIN_S
        while True:
            items = [item for item in session.read() if isinstance(item, Sample)]
            still = {item.domain for item in items if item.energy_j == 0 and item.domain.name == "package"}
            if not still or self.clock() >= until_s:
                return {item.domain for item in items} - still
            self.sleep(LOOK_S)

    def _agreed(self, interface: str, moving: set[Domain]) -> set[Domain]:
        """Leave out domains on which the two interfaces contradict each other: one of them is wrong."""
        other = "perf" if interface == "powercap" else "powercap"
        try:
            shared = [domain for domain in self._readable(other) if domain in moving]
        except Unavailable:
            return moving
        with self._session(interface, shared) as mine, self._session(other, shared) as theirs:
            before, before_too = _joules(mine), _joules(theirs)
            self.sleep(COMPARED_S)
            after, after_too = _joules(mine), _joules(theirs)
        for domain in shared:
            if domain not in after or domain not in after_too or domain.name == "platform":
                continue
            one, two = after[domain] - before[domain], after_too[domain] - before_too[domain]
            if abs(one - two) <= TOLERANCE * max(one, two) + TOLERANCE_J:
                continue
            if domain.name == "package":
                raise Unavailable(
                    f"{interface} counts {one:.2f} J for {domain} where {other} counts {two:.2f} J: one of them is wrong",
                    remedy=f'compare with turbostat, then set plugins.rapl.interface to "{interface}" or "{other}"',
                )
            moving = moving - {domain}
        return moving


def _joules(session: Session) -> dict[Domain, float]:
    return {item.domain: item.energy_j for item in session.read() if isinstance(item, Sample)}


def _is_amd(root: Path) -> bool:
    try:
        with (root / "proc/cpuinfo").open(encoding="utf-8", errors="replace") as stream:
            return "AuthenticAMD" in stream.read(4_096)
    except OSError:
        return False
