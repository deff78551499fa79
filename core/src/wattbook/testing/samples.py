"""Changed copies of a sample's text: other order, more columns, fewer, other line ends, another figure."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable
from typing import Any

UNKNOWN = "x_unknown"


def is_json(text: str) -> bool:
    return text.lstrip("\ufeff \r\n\t")[:1] in ("{", "[")


def shuffled(text: str, seed: int) -> str:
    """The same rows, or the same members of every list of objects, in another order."""
    chance = random.Random(seed)

    def mix(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mix(inner) for key, inner in value.items()}
        if isinstance(value, list):
            members = [mix(member) for member in value]
            if all(isinstance(member, dict) for member in members):
                chance.shuffle(members)
            return members
        return value

    if is_json(text):
        documents = [mix(document) for document in _documents(text)]
        chance.shuffle(documents)
        return _written(documents)
    header, *rows = _rows(text)
    chance.shuffle(rows)
    return _table([header, *rows], text)


def widened(text: str) -> str:
    """With a column or field that nobody knows, and a quoted comma in it."""
    if is_json(text):
        return _written([_objects(document, lambda one: {**one, UNKNOWN: "1,5"}) for document in _documents(text)])
    header, *rows = _rows(text)
    return _table([[*header, UNKNOWN], *([*row, 'a, "b"'] for row in rows)], text)


def renamed(text: str, name: str) -> str:
    """Without the column or field *name*: it is called otherwise."""
    if is_json(text):
        other = f"x_{name}"
        found = [
            _objects(document, lambda one: {other if key == name else key: value for key, value in one.items()})
            for document in _documents(text)
        ]
        return _written(found)
    header, *rows = _rows(text)
    return _table([[f"x_{name}" if cell.strip() == name else cell for cell in header], *rows], text)


def with_marks(text: str) -> str:
    """With a byte order mark, and with CRLF at the ends of lines."""
    return "\ufeff" + text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\n", "\r\n")


def replaced(text: str, old: str, new: str, *, as_text: bool = False) -> str:
    """With *new* wherever the number *old* stands; *as_text* puts it in quotes, so that it stays one cell or value."""

    def other(found: re.Match[str]) -> str:
        quoted = text[found.start() - 1 : found.start()] == '"'
        return f'"{new}"' if as_text and not quoted else new

    return _number(old).sub(other, text)


def emptied(text: str, old: str) -> str:
    """With nothing wherever the number *old* stands: an empty cell, or null."""
    nothing = "null" if is_json(text) else ""
    return re.sub(f'"{re.escape(old)}"|{_number(old).pattern}', nothing, text)


def _number(digits: str) -> re.Pattern[str]:
    """Exactly this number, not the same digits within a longer one."""
    return re.compile(rf"(?<![\d.]){re.escape(digits)}(?![\d])")


def _documents(text: str) -> list[Any]:
    decoder, found, place = json.JSONDecoder(), [], 0
    text = text.lstrip("\ufeff")
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        document, place = decoder.raw_decode(text, place)
        found.append(document)
    return found


def _written(documents: list[Any]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def _objects(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({key: _objects(inner, change) for key, inner in value.items()})
    return [_objects(member, change) for member in value] if isinstance(value, list) else value


def _delimiter(text: str) -> str:
    return max(",;\t", key=text.lstrip("\ufeff").split("\n", 1)[0].count)


def _rows(text: str) -> list[list[str]]:
    return [
        row for row in csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text)) if row
    ]


def _table(rows: list[list[str]], like: str) -> str:
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=_delimiter(like), lineterminator="\n").writerows(rows)
    return made.getvalue()
