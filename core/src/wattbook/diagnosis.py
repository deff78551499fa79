"""What ``doctor`` says: every source with its fate, what nobody covers, and the state of the book."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import asdict, frozen

from wattbook.cloud import Fetcher
from wattbook.config import Config
from wattbook.errors import Unavailable
from wattbook.model import Activity, Domain, Gap, Host, Importer, ImportSource, Load, Window
from wattbook.pipeline import Survey, fill
from wattbook.plugins import Broken, Plugins
from wattbook.records import Place
from wattbook.resolve import Fate, Verdict
from wattbook.selfcheck import SelfCheck


@frozen(kw_only=True)
class Diagnosis:
    """Verdicts on all sources, and the gaps that stay when all of them have been asked."""

    host: Host
    verdicts: tuple[Verdict, ...]
    gaps: tuple[Gap, ...]
    place: Place
    ledger: dict[str, Any]
    probe: SelfCheck | None = None  #: where it was asked for

    @property
    def broken(self) -> bool:
        probed = self.probe is None or self.probe.ok
        return any(v.fate is Fate.BROKEN for v in self.verdicts) or not self.ledger["ok"] or not probed

    @property
    def all_measured(self) -> bool:
        estimated = any(v.hook == "estimate" and v.fate is Fate.CHOSEN for v in self.verdicts)
        return not self.gaps and not estimated

    def as_dict(self) -> dict[str, Any]:
        """The document of ``wattbook doctor --json``."""
        host = self.host
        return {
            "host": {
                "name": host.name,
                "os": host.os,
                "arch": host.arch,
                "virtual": host.virtual,
                "cpus": [chip.name for chip in host.cpus],
                "gpus": [chip.name for chip in host.gpus],
                "threads": host.threads,
                "memory_gb": host.memory_gb,
            },
            "verdicts": [
                {
                    "plugin": v.plugin,
                    "source": v.source,
                    "hook": v.hook,
                    "domains": [str(domain) for domain in v.domains],
                    "fate": str(v.fate),
                    "reason": v.reason,
                    "remedy": v.remedy or None,
                }
                for v in self.verdicts
            ],
            "gaps": [{"domain": str(gap.domain), "reason": gap.reason} for gap in self.gaps],
            "ledger": self.ledger,
            "site": asdict(self.place),
            "probe": None if self.probe is None else self.probe.as_dict(),
        }


def diagnose(survey: Survey, plugins: Plugins, config: Config, place: Place, ledger: dict[str, Any]) -> Diagnosis:
    """Ask the estimators and importers too, after the meters of *survey*; nothing is opened or recorded."""
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(seconds=60), end=now)
    devices = ["cpu", *(chip.device for chip in survey.host.gpus if chip.device)]
    loads = tuple(Load(device=device, seconds=60, low=0.5, high=0.5) for device in devices)
    activity = Activity(window=window, host=survey.host, loads=loads)
    gaps = [Gap(domain=want.domain, window=window, reason=want.reason) for want in survey.open_wants]
    filled = fill(plugins, gaps, activity)
    failed = [*plugins.broken, *filled.broken]
    by_source: dict[tuple[str, str], list[Domain]] = {}
    for plugin, reading in filled.readings:
        by_source.setdefault((plugin, reading.source), []).append(reading.domain)
    estimates = [
        Verdict(
            plugin=plugin, source=source, hook="estimate", fate=Fate.CHOSEN, domains=tuple(domains),
            reason=f"estimates {', '.join(map(str, domains))}, which nothing measures",
        )
        for (plugin, source), domains in by_source.items()
    ]  # fmt: skip
    answered = {v.plugin for v in estimates} | {b.plugin for b in failed}
    estimates += [
        Verdict(
            plugin=name, source="estimate", hook="estimate", fate=Fate.PASSED_OVER,
            reason="it has no model for what is open here" if gaps else "everything wanted is measured",
        )
        for name in plugins.names
        if "estimate" in plugins.hooks(name) and name not in answered
    ]  # fmt: skip
    imports, unreadable = _importers(plugins)
    broken = [
        Verdict(
            plugin=b.plugin, source=b.hook, hook="measure" if b.hook in ("load", "probe") else b.hook,
            fate=Fate.BROKEN, reason=b.reason,
            remedy=f"report it to the author of the plugin, or set WATTBOOK_DISABLE_PLUGINS={b.plugin}",
        )
        for b in (*failed, *unreadable)
    ]  # fmt: skip
    known = {*plugins.names, *(b.plugin for b in plugins.broken), *plugins.versions}
    verdicts = (*survey.resolution.verdicts, *estimates, *imports, *broken, *_missing(survey.host, known))
    return Diagnosis(host=survey.host, verdicts=verdicts, gaps=filled.gaps, place=place, ledger=ledger)


#: what would help where: plugin, hook, what it knows, and whether it fits a host
HELPFUL: tuple[tuple[str, str, str, Callable[[Host], bool]], ...] = (
    ("tdp", "estimate", "estimates what nothing measures", lambda host: True),
    ("csp", "import_provided", "imports what a cloud provider computed", lambda host: True),
    ("nvidia_smi", "measure", "measures NVIDIA boards", lambda host: bool(host.gpus)),
    ("powermetrics", "measure", "measures Macs", lambda host: host.os == "darwin"),
    ("rapl", "measure", "measures processors and memory", lambda host: _bare_x86(host)),
    ("turbostat", "measure", "measures processors and memory", lambda host: _bare_x86(host)),
)


def _bare_x86(host: Host) -> bool:
    return host.os == "linux" and host.arch in ("x86_64", "i686") and not host.virtual


def _missing(host: Host, known: Iterable[str]) -> list[Verdict]:
    """First-party plugins that would help on this host and are not installed."""
    return [
        Verdict(
            plugin=name, source=name, hook=hook, fate=Fate.UNAVAILABLE,
            reason=f"not installed; it {what}", remedy=f"pip install wattbook-{name.replace('_', '-')}",
        )
        for name, hook, what, fits in HELPFUL
        if name not in known and fits(host)
    ]  # fmt: skip


def _importers(plugins: Plugins) -> tuple[list[Verdict], list[Broken]]:
    verdicts: list[Verdict] = []
    broken: list[Broken] = []
    for plugin, answer in plugins.ask("import_provided", source=ImportSource()):
        if isinstance(answer, Importer):
            verdicts.append(
                Verdict(
                    plugin=plugin,
                    source=answer.format,
                    hook="import_provided",
                    fate=Fate.CHOSEN,
                    reason=f"reads {answer.basis} figures when asked to import",
                )
            )
        elif isinstance(answer, Fetcher):
            judged = _fetcher(plugin, answer)
            if isinstance(judged, Broken):
                broken.append(judged)
            else:
                verdicts.append(judged)
        elif isinstance(answer, Broken):
            broken.append(answer)
    return verdicts, broken


def _fetcher(plugin: str, offer: Fetcher) -> Verdict | Broken:
    """Whether it could be asked, from what lies on this machine."""
    reason, remedy, fate = "fetches a month when asked to import", "", Fate.CHOSEN
    try:
        if offer.ready is not None:
            reason = offer.ready()
    except Unavailable as error:
        reason, remedy, fate = error.reason, error.remedy, Fate.UNAVAILABLE
    except Exception as error:
        return Broken.from_error(plugin, "import_provided", error)
    return Verdict(
        plugin=plugin, source=f"{FETCH}{offer.name}", hook="import_provided", fate=fate, reason=reason, remedy=remedy
    )


FETCH = "fetch "  #: how the source of a fetcher begins, which no name of a format does


def _reads(verdict: Verdict) -> bool:
    chosen = verdict.hook == "import_provided" and verdict.fate is Fate.CHOSEN
    return chosen and not verdict.source.startswith(FETCH)


def as_lines(diagnosis: Diagnosis) -> Iterable[str]:
    """The same for people: plain text, one source a line, remedies below."""
    host = diagnosis.host
    chips = ", ".join(chip.name or "unnamed chip" for chip in (*host.cpus, *host.gpus)) or "unknown chips"
    kind = {True: "virtual machine", False: "physical machine", None: "machine"}[host.virtual]
    memory = "" if host.memory_gb is None else f", {host.memory_gb:.0f} GB"
    yield f"{host.name or 'this machine'}: {kind}, {host.os} {host.arch}, {chips}{memory}"
    yield ""
    fixes: list[str] = []
    for verdict in diagnosis.verdicts:
        if _reads(verdict):
            continue
        mark = ""
        if verdict.remedy:
            if verdict.remedy not in fixes:
                fixes.append(verdict.remedy)
            mark = f" [fix {fixes.index(verdict.remedy) + 1}]"
        yield f"{verdict.fate:<12} {verdict.plugin + ':' + verdict.source:<24} {verdict.reason}{mark}"
    reads = [v.source for v in diagnosis.verdicts if _reads(v)]
    if reads:
        yield f"{'ready':<12} {'import':<24} reads {', '.join(sorted(reads))}"
    for gap in diagnosis.gaps:
        yield f"{'open':<12} {gap.domain!s:<24} {gap.reason}"
    yield ""
    if diagnosis.probe is not None:
        yield from diagnosis.probe.as_lines()
        yield ""
    place = diagnosis.place
    assumed = " (assumed from the system's time zone: set site.zone)" if place.zone_assumed else ""
    pue = "not counted" if place.pue is None else f"{place.pue:g}"
    yield f"site {place.site}: grid zone {place.zone or 'unknown'}{assumed}, PUE {pue}"
    book = diagnosis.ledger
    if book["ok"]:
        yield f"ledger {book['url']}: {book['entries']} entries" + (f", {book['reason']}" if book["reason"] else "")
    else:
        yield f"ledger broken: {book['reason']}"
    for number, fix in enumerate(fixes, start=1):
        yield f"[fix {number}] {fix}"
