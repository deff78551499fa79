"""All levers by their names, and the savings of a period."""

from __future__ import annotations

from collections.abc import Callable

from wattbook.errors import WattbookError
from wattbook.report.levers.hardware import chip, laptop, power_cap
from wattbook.report.levers.model import Evidence, Lever, Options
from wattbook.report.levers.place import facility, hour, region
from wattbook.report.levers.waste import early_stop, idle_off, pipelines

Made = Callable[[Evidence, Options], "Lever | list[Lever]"]

LEVERS: dict[str, Made] = {
    "idle-off": idle_off,
    "power-cap": power_cap,
    "region": region,
    "hour": hour,
    "chip": chip,
    "ci": pipelines,
    "early-stop": early_stop,
    "laptop": laptop,
    "facility": facility,
}


def lever_of(name: str, evidence: Evidence, options: Options | None = None) -> list[Lever]:
    """The lever of that name, or one for each site where it is about sites; raises ``WattbookError``."""
    if name not in LEVERS:
        raise WattbookError(f"there is no lever {name!r}; there are {', '.join(LEVERS)}")
    with evidence.held():
        made = LEVERS[name](evidence, options or Options())
    return made if isinstance(made, list) else [made]


def every_lever(evidence: Evidence, options: Options | None = None) -> list[Lever]:
    """Every lever, whether the book can tell what it gains or not."""
    return [one for name in LEVERS for one in lever_of(name, evidence, options)]
