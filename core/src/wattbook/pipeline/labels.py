"""What a run's record says about people and places: a pseudonym for the person, no path of theirs, no password."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wattbook.config import Config
from wattbook.records import Labels


def labels_of(order: Mapping[str, Any], config: Config, warn: Callable[[str], None]) -> Labels:
    """The labels of a run: as asked, else as configured."""
    usual = config.defaults
    labels = Labels(
        project=order["project"] or usual.project, phase=order["phase"] or usual.phase, person=usual.person,
        platform=usual.platform, tags=order["tags"],
    )  # fmt: skip
    if not labels.person and "person" not in labels.tags:
        return labels
    from wattbook.people import hidden

    labels, why = hidden(labels, config.privacy)
    if why:
        warn(why)
    return labels


def abroad(verdicts: Iterable[Mapping[str, Any]], warnings: Iterable[str]) -> dict[str, Any]:
    """Verdicts and warnings of a record, as they may be read anywhere."""
    from wattbook.people.paths import told_abroad, verdicts_abroad

    return {"verdicts": verdicts_abroad(verdicts), "warnings": told_abroad(warnings)}


def named(ledger: str) -> str:
    """A book's name that holds in every folder and keeps no password."""
    if "://" not in ledger:
        return os.path.abspath(os.path.expanduser(ledger))
    without = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", ledger)
    return re.sub(r"([?&][^=&]*password)=[^&]*", r"\1=***", without)
