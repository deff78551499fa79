"""Read the plain spellings of ``wattbook run`` without loading click, which costs more than the rest together.

Whatever is not plain, wrong or asked for as help is left to click: there is one place for what is said about it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from wattbook.units import parse_work

#: a test compares these with ``wattbook.model.Phase``, which is too heavy to import before the command starts
PHASES = ("dev", "train", "eval", "serve", "ci", "idle")
MODES = ("machine", "process")  #: as ``wattbook.config`` knows them, and so are the next
POLICIES = ("used", "reserved", "none")
BOOKS = ("sqlite", "postgresql", "postgres")  #: kinds of books, as ``wattbook.ledger.connect`` knows them
INTERVAL_S = 2.0

#: every option by its name, as click declares them in ``cli/run.py``; a test compares the two
FLAGS = {"--json": "as_json", "--quiet": "quiet", "-q": "quiet"}
VALUES = {
    "--project": "project", "--phase": "phase", "--tag": "tags", "--site": "site", "--interval": "interval_s",
    "-o": "output", "--output": "output", "--config": "config", "--ledger": "ledger",
    "--attribute": "attribute", "--idle": "idle", "--units": "units",
}  # fmt: skip
CHOICES = {"phase": PHASES, "attribute": MODES, "idle": POLICIES}
FROM_ENVIRONMENT = {"project": "WATTBOOK_PROJECT", "phase": "WATTBOOK_PHASE"}


def plain(words: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The parameters of ``run`` with its command as ``argv``; ``None`` where click has to look."""
    if "--" not in words or "_WATTBOOK_COMPLETE" in environ:
        return None
    cut = words.index("--")
    argv, left = list(words[cut + 1 :]), list(words[:cut])
    if not argv:
        return None
    found: dict[str, Any] = dict.fromkeys(FLAGS.values(), False) | dict.fromkeys(VALUES.values())
    tags: list[str] = []
    given = set()
    while left:
        word = left.pop(0)
        if word in FLAGS:
            found[FLAGS[word]] = True
            continue
        if word.startswith("--") and "=" in word:
            word, _, value = word.partition("=")
        elif not left:
            return None
        else:
            value = left.pop(0)
        name = VALUES.get(word)
        if (
            name is None
            or name in given
            or (value.startswith("-") and value != "-")
            or (value == "-" and name != "output")
        ):
            return None
        if name == "tags":
            tags.append(value)
        else:
            found[name] = value
            given.add(name)
    for name, variable in FROM_ENVIRONMENT.items():
        found[name] = found[name] if name in given else environ.get(variable) or None
    try:
        found["interval_s"] = INTERVAL_S if found["interval_s"] is None else float(found["interval_s"])
    except ValueError:
        return None
    found["tags"] = {key: text for key, _, text in (tag.partition("=") for tag in tags)}
    if not _good(found, tags) or refusal(found["ledger"], found["config"]):
        return None
    return {**found, "argv": argv}


def _good(found: Mapping[str, Any], tags: Sequence[str]) -> bool:
    texts = [text for text in (found["project"], found["site"], *tags) if text is not None]
    return (
        all(map(fits, texts))
        and all("=" in tag and tag.partition("=")[0].strip() for tag in tags)
        and all(found[name] in (None, *known) for name, known in CHOICES.items())
        and lasts(found["interval_s"])
        and (found["units"] is None or parse_work(found["units"]) is not None)
    )


def fits(text: str) -> bool:
    """Whether a label is one line of printable text."""
    return bool(text.strip()) and text.isprintable() and len(text) <= 200


def lasts(interval_s: float) -> bool:
    """Whether an interval is one; false for what is no number, too."""
    return 0 < interval_s <= 3600


def refusal(ledger: str | None, config: str | None) -> str | None:
    """Why not to start the command: what could only be complained about when it has ended."""
    kind, found, _ = (ledger or "").partition("://")
    if found and kind.partition("+")[0] not in BOOKS:
        return f"--ledger: {kind}:// is no kind of book; name a file or postgresql://HOST/DATABASE"
    if config and not os.path.isfile(config):
        return f"--config: there is no file {config!r}"
    return None
