"""Utilisation by kind of work, for those who have no figure of their own."""

from __future__ import annotations

Range = tuple[float, float]

#: percent: (processor without accelerator, processor beside one, accelerator).
#: Judgement, and wide: a preset is a guess, and its interval says so; a figure of your own monitoring is
#: always better.  One point is published: Jeon et al. (USENIX ATC 2019) found a mean of 52 % on the busy GPUs
#: of a training cluster, where tuned runs exceed 90 %.
PRESETS: dict[str, tuple[Range, Range, Range]] = {
    "idle": ((0, 5), (0, 5), (0, 5)),
    "notebook": ((2, 20), (2, 20), (0, 30)),
    "ci": ((30, 90), (30, 90), (0, 50)),
    "inference": ((20, 70), (5, 40), (10, 60)),
    "training": ((60, 100), (10, 50), (50, 95)),
}
ALONE, BESIDE, ACCELERATOR = 0, 1, 2  #: which of the three ranges


def preset(text: str, which: int) -> Range | None:
    """The preset of this name as a range of 0..1."""
    ranges = PRESETS.get(text.lower())
    return None if ranges is None else (ranges[which][0] / 100, ranges[which][1] / 100)
