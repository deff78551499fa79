"""Add the samples of one recording up, domain by domain."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
from attrs import define, field
from wattbook import Domain, Gap, ImportFailed, ImportSource, Problem, Reading, Recording, RecordingBuilder, Window

from wattbook_nvidia_smi.architecture import sensor_error
from wattbook_nvidia_smi.clock import Zone, later
from wattbook_nvidia_smi.domains import Domains
from wattbook_nvidia_smi.gpu import BOARD, MODULE, Gpu, GpuSample
from wattbook_nvidia_smi.track import Pending, Timeline

MAX_GAPS = 100
_FIELDS = {"draw": "power.draw", "average": "power.draw.average", "instant": "power.draw.instant"}


@define
class _Track:
    """One domain of the recording."""

    domain: Domain
    timeline: Timeline = field(factory=Timeline)
    pending: Pending | None = None
    taken: int = 0  #: samples with a figure
    polls: int = 0
    counted_s: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    hasty: int = 0  #: polls that follow the one before at once
    fields: dict[str, None] = field(factory=dict)  #: an ordered set


@define
class Collector:
    """Takes samples in the order of the file; ``build`` gives the recording."""

    builder: RecordingBuilder
    source: ImportSource
    _zone: Zone = field(init=False)
    _domains: Domains = field(factory=Domains, init=False)
    _gpus: dict[Gpu, dict[str, _Track]] = field(factory=dict, init=False)
    _tracks: dict[str, _Track] = field(factory=dict, init=False)
    _gaps: dict[str, list[Gap]] = field(factory=dict, init=False)
    _timed: bool = field(default=False, init=False)
    _dateless: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._zone = Zone(self.source.options.get("timezone"))

    def take(self, sample: GpuSample | Problem) -> None:
        if isinstance(sample, Problem):
            self.builder.problem(sample.reason, sample.line)
            return
        tracks = self._gpus.get(sample.gpu)
        if tracks is None:
            found = self._domains.of(sample)
            tracks = {name: self._tracks.setdefault(d.address, _Track(d)) for name, d in found.items()}
            self._gpus[sample.gpu] = tracks
        if sample.driver.strip() and self.builder.tool_version is None:
            self.builder.tool_version = sample.driver.split()[0][:40]
        self._timed, self._dateless = self._timed or sample.at is not None, sample.dateless
        reporter = tracks[BOARD].domain.device
        for name, track in tracks.items():
            power = sample.power(name)
            if power is None and name == BOARD:
                self.builder.problem(f"no power of {reporter}: {sample.said(BOARD)}", sample.line)
            self._put(track, power, reporter, sample)

    def _put(self, track: _Track, power: tuple[str, float] | None, reporter: str, sample: GpuSample) -> None:
        at = self._moment(sample, track)
        if track.pending is not None:
            if self._domains.unnamed and at is not None and track.pending.at == at:
                track.hasty += 1
            if not track.pending.fits(reporter, at):
                self._flush(track)
        if power is not None:
            track.fields[power[0]] = None
        if track.pending is None:
            track.pending = Pending()
        track.pending.put(reporter, at, power[1] if power else None, sample.line)

    def _moment(self, sample: GpuSample, track: _Track) -> datetime | None:
        if sample.at is None:
            return None
        if sample.dateless:
            moment = sample.at.replace(tzinfo=UTC)
        else:
            moment = self._zone.utc(sample.at, track.last)
            if sample.at.tzinfo is None and self._zone.name is None:
                self.builder.warn(
                    f"the times carry no zone; they are taken as this machine's ({self._zone.label(sample.at)}): "
                    "set TZ where the recording comes from another zone"
                )
        track.first, track.last = track.first or moment, moment
        return moment

    def _flush(self, track: _Track) -> None:
        """The poll is complete: give it the stretch of time that it stands for."""
        pending, track.pending = track.pending, None
        if pending is None:
            return
        track.polls += 1
        elapsed_s, end = self._stretch(track, pending)
        watts = pending.watts
        if watts is None:
            if end is not None and elapsed_s is not None:
                self._gap(track, end - timedelta(seconds=elapsed_s), end, "the driver gave no power")
        elif self.builder.add({track.domain: watts}, end=end, elapsed_s=elapsed_s, line=pending.line):
            track.taken += 1
            track.counted_s += elapsed_s or 0.0

    def _stretch(self, track: _Track, pending: Pending) -> tuple[float | None, datetime | None]:
        """The length and the end of a poll's stretch, each ``None`` where nothing tells it.

        The interval that the user gives stands in where the recording itself has no length: everywhere
        if it has no times, else for the first sample.
        """
        interval_s = self.source.interval_s
        if pending.at is None:
            if self._timed or interval_s is None:
                return None, None
            start = self.source.start
            return interval_s, None if start is None else later(start, timedelta(seconds=interval_s * track.polls))
        usual_s = track.timeline.usual_s
        stretch = track.timeline.advance(pending.at)
        if stretch.elapsed_s is not None and usual_s is not None and stretch.elapsed_s < usual_s / 10:
            track.hasty += 1
        end = self._dated(track, pending.at)
        if stretch.reason:
            self.builder.problem(f"{track.domain.device}: {stretch.reason}", pending.line)
        if stretch.lost is not None and not self._dateless:
            self._gap(track, *stretch.lost, stretch.reason)
        return interval_s if track.polls == 1 else stretch.elapsed_s, end

    def _dated(self, track: _Track, moment: datetime) -> datetime | None:
        """The moment on the calendar; a recording of times without dates is dated by the user's start."""
        if not self._dateless:
            return moment
        if self.source.start is None or track.first is None:
            return None
        return later(self.source.start, moment - track.first)

    def _gap(self, track: _Track, start: datetime, end: datetime, reason: str) -> None:
        gaps = self._gaps.setdefault(track.domain.address, [])
        if gaps and gaps[-1].reason == reason and gaps[-1].window.end == start:
            gaps[-1] = attrs.evolve(gaps[-1], window=Window(start=gaps[-1].window.start, end=end))
        elif len(gaps) < MAX_GAPS:
            gaps.append(Gap(domain=track.domain, window=Window(start=start, end=end), reason=reason))

    def build(self) -> Recording:
        """The recording; raises ``ImportFailed`` where no sample carried a power."""
        for track in self._tracks.values():
            self._flush(track)
        models = self._domains.models
        if self._domains.unnamed:
            self._refuse_a_crowd()
        if self._domains.ungrouped:
            self.builder.warn(
                "the power of modules is left out: nothing says which GPUs share one; query serial as well"
            )
        for track in self._tracks.values():
            if track.domain.name == BOARD and not track.taken:
                self.builder.warn(f"{track.domain.device} gave no power at all; it is missing from the total")
        counts = Counter(name for name in models.values() if name)
        self.builder.hardware = ", ".join(f"{n} x {m}" if n > 1 else m for m, n in counts.items()) or None
        self.builder.error = sensor_error("smi", models.values())
        recording = self.builder.build()
        tracks = self._tracks.values()
        return attrs.evolve(
            recording,
            samples=max(track.taken for track in tracks),
            duration_s=None if recording.duration_s is None else max(track.counted_s for track in tracks),
            readings=tuple(map(self._explained, recording.readings)),
            gaps=tuple(gap for gaps in self._gaps.values() for gap in gaps),
        )

    def _explained(self, reading: Reading) -> Reading:
        scope = "" if reading.domain.name == BOARD else f"{reading.domain.name}."
        fields = " or ".join(scope + _FIELDS[name] for name in self._tracks[reading.domain.address].fields)
        shared = ", the mean over the GPUs of the module" if reading.domain.name == MODULE else ""
        return attrs.evolve(reading, method=f"{fields}{shared}, times the time since the poll before")

    def _refuse_a_crowd(self) -> None:
        """Rows that name no GPU and come in bursts are several GPUs, and nothing says which is which."""
        if any(track.hasty * 5 >= track.polls for track in self._tracks.values() if track.hasty):
            raise ImportFailed(
                "the rows come in bursts, as from several GPUs, and do not say which; query uuid or index too",
                field="uuid",
            )
        self.builder.warn("the rows do not say which GPU they belong to; they are taken as one")
