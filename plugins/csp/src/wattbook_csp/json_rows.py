"""Tables as JSON: one object a line or one long list of objects, row by row in constant memory."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from wattbook import ImportFailed, SourceFile

from wattbook_csp import bounded, pages

MAX_ROW = 1 << 20  #: characters
_CHUNK = 1 << 18
_BEFORE_MEMBER = re.compile(r"\s*[\[,]\s*(?=[^\s\]])")


def rows(file: SourceFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """One object a line, or the members of one list, in constant memory; with line or number."""
    is_list = file.head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    for number, document in _members(file) if is_list else _lines(file):
        if not isinstance(document, dict):
            raise ImportFailed("is no row of a table", path=file.path, line=number)
        yield number, document


def _members(file: SourceFile) -> Iterator[tuple[int, Any]]:
    """The members of the list that the file is, one by one."""
    number, text, position = 0, "", 0
    with file.open() as stream:
        decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        try:
            while True:
                chunk = stream.read(_CHUNK)
                text, position = text[position:] + decode(chunk, not chunk), 0
                while found := _BEFORE_MEMBER.match(text, position):
                    try:
                        document, end = pages.decoder.raw_decode(text, found.end())
                    except json.JSONDecodeError:
                        break
                    if end == len(text) and chunk:
                        break  # a number at the end may go on
                    number += 1
                    position = end
                    yield number, document
                if not chunk:
                    if text[position:].strip() not in ("]", "[]"):
                        raise ImportFailed("is not whole JSON; was the file cut?", path=file.path, line=number + 1)
                    return
                if len(text) - position > MAX_ROW:
                    raise ImportFailed("a row has no end", path=file.path, line=number + 1)
        except ImportFailed as refused:
            raise ImportFailed(refused.reason, path=file.path, line=refused.line or number + 1) from None
        except RecursionError:
            raise ImportFailed("is nested too deeply", path=file.path, line=number + 1) from None
        except UnicodeDecodeError:
            raise ImportFailed("is not UTF-8 text", path=file.path) from None
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error


def _lines(file: SourceFile) -> Iterator[tuple[int, Any]]:
    number = 0
    with file.open() as stream:
        try:
            for number, line in enumerate(bounded.text(bounded.BoundedLines(stream, file)), start=1):
                if not line.isspace():
                    document, end = pages.decode(line, len(line) - len(line.lstrip()), file, number)
                    if line[end:].strip():
                        raise ImportFailed("more than one document in a line", path=file.path, line=number)
                    yield number, document
        except UnicodeDecodeError:
            raise ImportFailed("is not UTF-8 text", path=file.path, line=number + 1) from None
        except (OSError, EOFError, zlib.error) as error:
            raise ImportFailed(f"cannot be read to its end: {error}", path=file.path, line=number) from error
