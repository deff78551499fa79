"""When each sample was taken, from dates that are cut to the second and exact lengths."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from attrs import define, field

from wattbook_powermetrics.block import Invalid, Taken

CUT_S = 1.0  #: a date may be up to this much before the true end
DRIFT = 2e-4  #: the wall clock is steered, the length of a sample is not
REMEMBERED = 4_096
MAX_STRETCHES = 10_000
MAX_ELAPSED_S = 366 * 86_400


@define
class _Stretch:
    """Samples that follow each other without a hole."""

    start: datetime
    end: datetime

    @property
    def slack_s(self) -> float:
        return CUT_S + DRIFT * (self.end - self.start).total_seconds()


@define
class Timeline:
    """Places samples one after the other and refuses time that is already taken.

    Within a stretch the exact lengths are added up from the first date, so that the windows touch.
    ``start`` is where a recording without dates begins; without it such samples have no place.
    """

    start: datetime | None = None
    _stretches: list[_Stretch] = field(factory=list)
    _seen: OrderedDict[int, None] = field(factory=OrderedDict)

    def place(self, date: datetime | None, elapsed_s: float | None, digest: int | None) -> datetime | None:
        """The end of a sample; raises ``Invalid`` where it cannot be, or is there already."""
        if elapsed_s is None:
            return date
        if not 0 < elapsed_s < MAX_ELAPSED_S:
            raise Invalid(f"{elapsed_s:g} s is not the length of a sample")
        if digest is not None:
            if digest in self._seen:
                raise Taken("the sample is printed twice")
            self._seen[digest] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        length = timedelta(seconds=elapsed_s)
        last = self._stretches[-1] if self._stretches else None
        if date is None:
            return self._append(last, length)
        if last is not None and abs((date - last.end - length).total_seconds()) <= last.slack_s:
            last.end += length
            return last.end
        for stretch in self._stretches:
            slack = timedelta(seconds=stretch.slack_s)
            if date - length < stretch.end - slack and date > stretch.start + slack:
                raise Taken(f"the time up to {date:%Y-%m-%d %H:%M:%S} UTC is already recorded above")
        if len(self._stretches) >= MAX_STRETCHES:
            raise Invalid(f"the recording has more than {MAX_STRETCHES} pieces")
        self._stretches.append(_Stretch(date - length, date))
        return date

    def _append(self, last: _Stretch | None, length: timedelta) -> datetime | None:
        if last is not None:
            last.end += length
            return last.end
        if self.start is None:
            return None
        self._stretches.append(_Stretch(self.start, self.start + length))
        return self.start + length
