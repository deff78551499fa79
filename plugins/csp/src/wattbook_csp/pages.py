"""JSON answers of APIs, as files: numbers keep the digits that stand there, sizes are bounded."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from wattbook import ImportFailed, SourceFile

T = TypeVar("T")

MAX_PAGE = 32 << 20  #: characters of one file that is read as a whole; pages of an API are far smaller


def _refuse_constant(name: str) -> Any:
    raise ImportFailed(f"{name} is not a number")


#: a number stays the text that stands there, with all its digits
decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse_constant)


def documents(file: SourceFile) -> Iterator[tuple[int, Any]]:
    """Every document of a file, with the line it starts in; several may follow each other.

    A list at the top is taken as its members, so that pages may be kept as a list too.
    """
    text = _whole(file)
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text):
            return
        line = text.count("\n", 0, position) + 1
        document, position = decode(text, position, file, line)
        if isinstance(document, list):
            for member in document:
                yield line, member
        else:
            yield line, document


def get(document: Any, *path: str) -> Any:
    """What lies at *path* of nested objects; ``None`` where something is missing."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def text(value: Any) -> str:
    """A scalar as text, ``""`` for null and for what is no scalar."""
    return value if isinstance(value, str) else ""


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; an empty list for null and for what is no list."""
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []


def rows(file: SourceFile, lists: Iterable[Any], make: Callable[[SourceFile, int, dict[str, Any]], T]) -> Iterator[T]:
    """What *make* makes of every object in *lists*, numbered through the file; a refusal names the number."""
    for number, item in enumerate((item for members in lists for item in objects(members)), start=1):
        try:
            yield make(file, number, item)
        except ImportFailed as refused:
            reason = f"entry {number}: {refused.reason}"
            raise ImportFailed(reason, path=file.path, field=refused.field) from None


def _whole(file: SourceFile) -> str:
    try:
        with file.open() as stream:
            data = stream.read(MAX_PAGE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error
    if len(data) > MAX_PAGE:
        raise ImportFailed(f"is larger than {MAX_PAGE >> 20} MiB, which no page of this format is", path=file.path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportFailed("is not UTF-8 text", path=file.path) from None


def decode(text: str, start: int, file: SourceFile, line: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, start)
    except ImportFailed as refused:
        raise ImportFailed(refused.reason, path=file.path, line=line) from None
    except RecursionError:
        raise ImportFailed("is nested too deeply", path=file.path, line=line) from None
    except json.JSONDecodeError as error:
        at = line + text.count("\n", start, error.pos)
        raise ImportFailed(f"is not whole JSON: {error.msg}; was the file cut?", path=file.path, line=at) from None


def whole(value: Any) -> int | None:
    """A count such as an offset; ``None`` for what is none."""
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
