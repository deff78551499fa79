"""Sentences without the paths of this machine: what a book keeps of a warning may be read anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re

HIDDEN = "(a path)"
#: what lies where the system puts it says nothing about anybody
_SYSTEM = r"(?:sys|proc|dev|usr|bin|sbin|etc|run|opt|lib|lib64|System|Library|Applications)(?:/|\b)"


def without_paths(sentence: str) -> str:
    """The sentence with every path of a user's hidden; what follows a path up to the next mark is hidden with it.

    A blank may be part of a path, so too much is hidden rather than too little.
    """
    return _path().sub(HIDDEN, sentence) if "/" in sentence or "\\" in sentence or "~" in sentence else sentence


@cache
def _path() -> re.Pattern[str]:
    """What a path looks like, made when a sentence may have one: most runs warn of nothing."""
    import re

    return re.compile(
        rf"(?<![\w.:/])(?:~|/(?!{_SYSTEM})[^\s/:;,'\"()\[\]]+)(?:/[^:;,'\"()\[\]\n]*[^\s:;,'\"()\[\].])?|\b[A-Za-z]:\\[^\s:;,'\"()]+"
    )


def told_abroad(warnings: Iterable[str]) -> tuple[str, ...]:
    """Warnings as a book keeps them."""
    return tuple(map(without_paths, warnings))


def verdicts_abroad(verdicts: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Verdicts as a book keeps them."""
    return tuple(
        {
            name: without_paths(value) if name in ("reason", "remedy") and isinstance(value, str) else value
            for name, value in one.items()
        }
        for one in verdicts
    )
