"""Divide a run's energy stretch by stretch into what its command caused and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import evolve

from wattbook.model import Activity, Domain, Gap, Load, Window
from wattbook.pipeline import Survey, fill
from wattbook.pipeline.attribute import Divided, Share, Standing, divide, is_board, processor_share
from wattbook.plugins import Plugins
from wattbook.records import Entry, utc_time

if TYPE_CHECKING:
    from wattbook.pipeline.boards import Boards

METHOD = "what the command caused of it"
SHORT = "the machine was busy for too short a time to tell whose it was"
NOBODY_TELLS = "which processes used it is not known: nothing here tells"
UNDIVIDED = "the command's part of it is not known: "


class Line(NamedTuple):
    """One domain of one stretch: the machine's entry, and how it was divided or why it was not."""

    entry: Entry
    divided: Divided | None = None
    reason: str = ""  #: why it is not divided, or why by another policy

    @property
    def address(self) -> str:
        return f"{self.entry.device}/{self.entry.domain}"


class Divider:
    """How the energy of one run is divided; what does not change while it runs is looked up once."""

    def __init__(
        self,
        *,
        policy: str,
        pid: int,
        processors: int,
        boards: Boards | None = None,
        standing: Callable[[Entry], Standing | None] = lambda entry: None,
    ) -> None:
        self.policy, self._pid, self._processors = policy, pid, max(1, processors)
        self._boards, self._standing = boards, standing
        self._known: dict[str, Standing | None] = {}
        self._reserved: Share | None = None

    def lines(self, entries: Sequence[Entry], *, cpu_s: float | None, busy_s: float, source: str) -> list[Line]:
        """The readings of one stretch, divided; gaps and the like are left out."""
        use = processor_share(cpu_s, busy_s, self._processors, source)
        return [self._line(entry, use) for entry in entries if entry.kind == "reading"]

    def _line(self, entry: Entry, use: Share | None) -> Line:
        reserved: Share | None = None
        why = SHORT
        if is_board(entry.device):
            use, why = None, NOBODY_TELLS
            if self._boards is not None:
                use, reserved, why = self._boards.share(f"{entry.device}/{entry.domain}")
        if use is None:
            return Line(entry=entry, reason=why)
        policy, standing, reason = self.policy, None, ""
        if policy != "used":
            standing = self._standing_of(entry)
            if standing is None:
                policy = "used"
                reason = (
                    f"the idle policy {self.policy!r} cannot be applied to {entry.device}/{entry.domain}, for its idle "
                    "power is not known ('wattbook watch --record' measures it while the machine is idle); 'used' was"
                )
        if policy == "reserved" and reserved is None:
            reserved = self._reserved_of()
        assert entry.energy_j is not None
        bounds = None if entry.low_j is None or entry.high_j is None else (entry.low_j, entry.high_j)
        machine = " + ".join(str(term.get("formula", "")) for term in entry.terms)
        divided = divide(
            entry.energy_j, bounds, entry.duration_s, use, policy=policy, standing=standing, reserved=reserved,
            machine=machine,
        )  # fmt: skip
        return Line(entry=entry, divided=divided, reason=reason)

    def _standing_of(self, entry: Entry) -> Standing | None:
        key = f"{entry.device}/{entry.domain} {entry.basis} {entry.plugin}"
        if key not in self._known:
            self._known[key] = self._standing(entry)
        return self._known[key]

    def _reserved_of(self) -> Share:
        """What affinity and quota leave to the command, looked up while it runs."""
        if self._reserved is None:
            from wattbook.host import reserved_threads

            threads = reserved_threads(self._pid, self._processors)
            part = min(1.0, threads / self._processors)
            self._reserved = Share(
                value=part, low=part, high=part,
                told=f"{threads:g} of {self._processors} hardware threads, by affinity and quota",
            )  # fmt: skip
        return self._reserved


def parts_of(lines: Sequence[Line]) -> list[Entry]:
    """The entries of what the command caused; what of it is not known is a gap, what is nobody's is left out."""
    found = []
    for line in lines:
        entry, divided = line.entry, line.divided
        if divided is None:
            if entry.outermost:
                found.append(_gap(entry, line.reason))
        elif divided.process_j > 0 or not is_board(entry.device):
            found.append(
                evolve(
                    entry,
                    energy_j=divided.process_j,
                    low_j=divided.low_j,
                    high_j=divided.high_j,
                    method=f"{METHOD}: {entry.method}" if entry.method else METHOD,
                    terms=divided.terms,
                    warnings=(*entry.warnings, *([line.reason] if line.reason else [])),
                    attribution=f"process:{divided.policy}",
                )
            )
    return found


def _gap(entry: Entry, reason: str) -> Entry:
    return Entry(
        kind="gap", run_id=entry.run_id, start=entry.start, end=entry.end, host=entry.host, device=entry.device,
        domain=entry.domain, basis=None, energy_j=None, low_j=0.0,
        high_j=entry.energy_j if entry.high_j is None else entry.high_j, outermost=False, reason=UNDIVIDED + reason,
        labels=entry.labels, place=entry.place, synthetic=entry.synthetic,
    )  # fmt: skip


# --- standing power -----------------------------------------------------------------------------


def standing_power(host: str, plugins: Plugins, survey: Survey) -> Callable[[Entry], Standing | None]:
    """Where a domain's standing power is looked up: measured by a watch, or as the model of its estimate has it."""
    from wattbook.pipeline import idle

    account = idle.read(idle.folders(), host)

    def look_up(entry: Entry) -> Standing | None:
        if entry.basis == "measured":
            return idle.standing_of(account, f"{entry.device}/{entry.domain}", now=entry.end)
        return _of_the_model(entry, plugins, survey)

    return look_up


def _of_the_model(entry: Entry, plugins: Plugins, survey: Survey) -> Standing | None:
    """What the estimator that gave an entry says about the same domain of the same host at no load at all."""
    window = Window(start=utc_time(entry.start), end=utc_time(entry.end))
    seconds = window.duration_s
    if seconds <= 0:
        return None
    gap = Gap(domain=Domain(device=entry.device, name=entry.domain), window=window, reason="at no load")
    devices = ["cpu", *(chip.device for chip in survey.host.gpus)]
    loads = tuple(Load(device=device, seconds=seconds, low=0.0, high=0.0) for device in devices)
    filled = fill(plugins, [gap], Activity(window=window, host=survey.host, loads=loads), timeout_s=10.0)
    for plugin, reading in filled.readings:
        if plugin == entry.plugin and reading.low_j is not None and reading.high_j is not None:
            formula = " + ".join(term.formula for term in reading.terms)
            return Standing(
                power_w=reading.energy_j / seconds, low_w=reading.low_j / seconds, high_w=reading.high_j / seconds,
                source=f"idle power by the model {plugin}:{reading.source}" + (f", {formula}" if formula else ""),
            )  # fmt: skip
    return None


# --- what the document says ---------------------------------------------------------------------


def attributed(lines: Sequence[Line], *, mode: str, policy: str, share: float | None, source: str) -> dict[str, Any]:
    """What the command caused in all, as the document tells it; unknown is ``None``.

    ``process_j + rest_j + unallocated_j + undivided_j`` is ``machine_j``; ``accelerators_j`` is the part of
    ``undivided_j`` that is boards of which nobody knows who used them.
    """
    addends = [line for line in lines if line.entry.outermost]
    known = [line.divided for line in addends if line.divided is not None]
    open_ = [line.entry for line in addends if line.divided is None]
    return {
        "attribute": mode, "idle": policy, "share": share, "processor_time": source,
        "machine_j": _sum(line.entry.energy_j for line in addends) if addends else None,
        "process_j": _sum(d.process_j for d in known) if known else None,
        "rest_j": _sum(d.rest_j for d in known) if known else None,
        "unallocated_j": _sum(d.unallocated_j for d in known) if known else None,
        "undivided_j": _sum(entry.energy_j for entry in open_),
        "accelerators_j": _sum(entry.energy_j for entry in open_ if is_board(entry.device)),
        "domains": _domains(addends),
        "method": "processor time of the command's processes over the machine's busy time; boards by their users",
    }  # fmt: skip


def _sum(joules: Any) -> float:
    return sum((number or 0.0 for number in joules), 0.0)


def _domains(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """A row for each domain and policy, stretches added up."""
    rows: dict[tuple[str, str | None], dict[str, Any]] = {}
    for line in lines:
        policy = None if line.divided is None else line.divided.policy
        row = rows.setdefault(
            (line.address, policy),
            {"domain": line.address, "idle": policy, "machine_j": 0.0, "process_j": None, "reason": None},
        )
        row["machine_j"] += line.entry.energy_j or 0.0
        if line.divided is not None:
            row["process_j"] = (row["process_j"] or 0.0) + line.divided.process_j
        row["reason"] = line.reason or row["reason"]
    return list(rows.values())
