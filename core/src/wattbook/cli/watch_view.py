"""How the live view looks: lines that follow each other, or on a terminal one picture that is redrawn."""

from __future__ import annotations

import os
import sys

import click

from wattbook.cli.run_summary import figure
from wattbook.watching.frame import Frame, Power

HOME, BELOW = "\x1b[{n}F", "\x1b[0J"  #: to the start of the line n above; clear from here to the end


class View:
    """Shows frames; ``NO_COLOR`` and a terminal that cannot move its cursor are respected."""

    def __init__(self, host: str, *, terminal: bool, quiet: bool = False) -> None:
        self._host, self._quiet = host, quiet
        self._redraw = terminal and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = terminal and not os.environ.get("NO_COLOR")
        self._drawn = 0
        self._told: set[str] = set()

    def show(self, frame: Frame) -> None:
        lines = picture(frame, self._host)
        if self._redraw:
            size = os.get_terminal_size(sys.stdout.fileno())
            width, height = size.columns or 80, size.lines or 24
            head = (HOME.format(n=self._drawn) if self._drawn else "") + BELOW
            cut = [line[: width - 1] for line in lines[: max(1, height - 1)]]
            self._drawn = len(cut)
            cut[0] = click.style(cut[0], bold=True) if self._colour else cut[0]
            sys.stdout.write(head + "\n".join(cut) + "\n")
        else:
            sys.stdout.write(line(frame) + "\n")
            for gap in frame.gaps:
                self._tell(f"not covered: {gap.domain}: {gap.reason}")
        sys.stdout.flush()
        for warning in frame.warnings:
            self._tell(warning)

    def _tell(self, sentence: str) -> None:
        """Once each, and beside the figures only where they are not redrawn."""
        if not self._quiet and not self._redraw and sentence not in self._told:
            self._told.add(sentence)
            click.echo(f"wattbook: {sentence}", err=True)


def line(frame: Frame) -> str:
    """A frame in one line: the total, then the addends with their basis."""
    parts = [f"{frame.at[11:19]}Z", f"{watts(frame.power_w, frame.power_low_w, frame.power_high_w)} total"]
    parts += [f"{p.basis[:1].upper()} {p.device}/{p.domain} {_of(p)}" for p in frame.domains if p.outermost]
    if frame.busy_share is not None:
        parts.append(f"busy {frame.busy_share:.0%}")
    if frame.own_power_w is not None:
        parts.append(f"wattbook itself {figure(frame.own_power_w)} W")
    return "  ".join(parts)


def picture(frame: Frame, host: str) -> list[str]:
    """A frame as a small table: addends, their breakdowns below, what is not covered, and wattbook's own use."""
    total = watts(frame.power_w, frame.power_low_w, frame.power_high_w)
    busy = "" if frame.busy_share is None else f"   processors busy {frame.busy_share:.0%}"
    lines = [f"{host or 'this machine'}  {frame.at[11:19]}Z  {total}{busy}"]
    addends = [p for p in frame.domains if p.outermost]
    inside = [p for p in frame.domains if not p.outermost]
    names = [f"  {p.device}/{p.domain}" for p in addends] + [f"    of which {p.device}/{p.domain}" for p in inside]
    width = max(map(len, [*names, "  wattbook itself"]), default=0)
    for name, p in zip(names, [*addends, *inside], strict=True):
        lines.append(f"{name:<{width}}  {_of(p):>14}  {p.basis:<9}  {p.plugin}:{p.source}")
    if frame.own_power_w is not None:
        own = f"{figure(frame.own_power_w)} W"
        lines.append(f"{'  wattbook itself':<{width}}  {own:>14}  estimated  its part of the busy time")
    lines += [f"  not covered: {gap.domain}: {gap.reason}" for gap in frame.gaps]
    lines += [f"  note: {warning}" for warning in frame.warnings]
    return lines


def _of(power: Power) -> str:
    return watts(power.power_w, power.low_w, power.high_w)


def watts(value: float | None, low: float | None, high: float | None) -> str:
    """Watts, or their interval where two digits show one."""
    if value is None:
        return "not known"
    if low is None or high is None or figure(low) == figure(high):
        return f"{figure(value)} W"
    return f"{figure(low)}-{figure(high)} W"
