"""Read ``nvidia-smi -q -x``: the XML of every driver generation, any number of documents in one file."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from typing import Any

from attrs import define, field
from wattbook import ImportFailed, Problem, SourceFile

from wattbook_nvidia_smi.clock import stamp
from wattbook_nvidia_smi.gpu import BOARD, MEMORY, MODULE, Gpu, GpuSample
from wattbook_nvidia_smi.lines import encoding_of
from wattbook_nvidia_smi.refusals import explain

CHUNK = 65_536
_MAX_DEPTH = 64  #: real documents are 8 deep
_MAX_QUIET = 64  #: chunks without an element: a single token of 4 MiB is no report
_START = re.compile(rb"<\?xml|<!DOCTYPE nvidia_smi_log|<nvidia_smi_log[\s>]")
_NEXT = re.compile(rb"<\?xml|</nvidia_smi_log\s*>")
_LONGEST = 32  #: no shorter than any text that the two patterns look for

_SECTIONS = {
    "power_readings": BOARD,
    "gpu_power_readings": BOARD,
    "module_power_readings": MODULE,
    "gpu_memory_power_readings": MEMORY,
}
_DRAWS = {"power_draw": "draw", "average_power_draw": "average", "instant_power_draw": "instant"}
_IDENTITY = {"product_name": "name", "uuid": "uuid", "serial": "serial"}


@define
class _Target:
    """Receives elements from the parser and keeps only what a sample needs."""

    samples: list[GpuSample] = field(factory=list)
    events: int = 0
    depth: int = 0
    open_gpu: bool = False
    line: Any = None  #: answers the current line
    _path: list[str] = field(factory=list)
    _text: list[str] = field(factory=list)
    _size: int = 0
    _at: str = ""
    _driver: str = ""
    _identity: dict[str, str] = field(factory=dict)
    _figures: dict[str, dict[str, str]] = field(factory=dict)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.events += 1
        self._path.append(tag)
        if len(self._path) > _MAX_DEPTH:
            raise ImportFailed(f"elements nest deeper than {_MAX_DEPTH} levels")
        self._text, self._size = [], 0
        if tag == "gpu" and len(self._path) == 2:
            self.open_gpu = True
            self._identity, self._figures = {"pci": attributes.get("id", "")[:200]}, {}

    def data(self, text: str) -> None:
        self.events += 1
        if self._size < 400:
            self._text.append(text[:400])
            self._size += len(text)

    def end(self, tag: str) -> None:
        self.events += 1
        text, self._text = "".join(self._text).strip(), []
        depth = len(self._path)
        if depth == 2 and tag == "timestamp":
            self._at = text
        elif depth == 2 and tag == "driver_version":
            self._driver = text
        elif depth == 2 and tag == "gpu":
            self.open_gpu = False
            self.samples.append(
                GpuSample(
                    gpu=Gpu(**self._identity), line=self.line(), at=stamp(self._at),
                    figures=self._figures, driver=self._driver,
                )
            )  # fmt: skip
        elif self._path[1:2] == ["gpu"]:
            if depth == 3 and tag in _IDENTITY:
                self._identity[_IDENTITY[tag]] = text
            elif depth == 4 and tag in _DRAWS and self._path[2] in _SECTIONS:
                self._figures.setdefault(_SECTIONS[self._path[2]], {})[_DRAWS[tag]] = text
        self._path.pop()

    def close(self) -> None:
        return None


class _Document:
    """One XML document on its way through the parser."""

    def __init__(self, first_line: int) -> None:
        from defusedxml.ElementTree import DefusedXMLParser

        self.target = _Target()
        self._parser = DefusedXMLParser(target=self.target)
        self.target.line = lambda: first_line + self._parser.parser.CurrentLineNumber - 1
        self.quiet = 0

    def feed(self, data: bytes) -> list[GpuSample]:
        """Finished samples; raises ``ImportFailed`` for XML that is not well-formed or not harmless."""
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import ParseError

        before = self.target.events
        try:
            self._parser.feed(data)
        except DefusedXmlException as error:
            raise ImportFailed(f"the XML declares entities, which no nvidia-smi does: {error}") from error
        except ParseError as error:
            raise ImportFailed(f"not well-formed XML: {error}", line=self.target.line()) from error
        except (ValueError, LookupError) as error:  # an encoding that does not exist, a byte of another one
            raise ImportFailed(f"not readable XML: {error}") from error
        self.quiet = 0 if self.target.events > before else self.quiet + 1
        if self.quiet > _MAX_QUIET:
            raise ImportFailed("no element ends within 4 MiB; this is no report of nvidia-smi")
        return self.finished()

    def finished(self) -> list[GpuSample]:
        """The samples of the GPUs that ended since the last call."""
        done, self.target.samples = self.target.samples, []
        return done


def _chunks(file: SourceFile) -> Iterator[bytes]:
    """The file as UTF-8, whatever PowerShell made of it."""
    encoding = encoding_of(file.head)
    decode = codecs.getincrementaldecoder(encoding)(errors="replace")
    try:
        with file.open() as stream:
            while data := stream.read(CHUNK):
                yield data if encoding == "utf-8" else decode.decode(data).encode()
    except (OSError, EOFError, zlib.error) as error:
        raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error


def samples(file: SourceFile) -> Iterator[GpuSample | Problem]:
    """One sample per GPU and document; a document that is cut or damaged gives those before the damage."""
    document: _Document | None = None
    line, rest = 1, b""
    chunks = _chunks(file)
    while True:
        data = next(chunks, b"")
        last, rest = not data, rest + data
        while True:
            match = (_START if document is None else _NEXT).search(rest, 1 if document is not None else 0)
            # hold back the end of the chunk, where a mark may have only begun
            cut = match.start() if match else len(rest) if last else max(0, len(rest) - _LONGEST)
            if document is None:
                yield from _between(rest[:cut], line)
                line, rest = line + rest.count(b"\n", 0, cut), rest[cut:]
                if match is None:
                    break
                document = _Document(line)
                continue
            ends = match is not None and match[0].startswith(b"</")
            cut = match.end() if match is not None and ends else cut
            taken, rest = rest[:cut], rest[cut:]
            try:
                yield from document.feed(taken)
            except ImportFailed as error:
                yield from document.finished()
                yield Problem(reason=error.reason, line=error.line or line)
                document = None
            else:
                if match is not None or last:
                    if not ends:
                        yield Problem(reason="the document is cut before its end", line=line)
                    document = None
            line += taken.count(b"\n")
            if match is None:
                break
        if last:
            return


def _between(text: bytes, line: int) -> Iterator[Problem]:
    """What stands outside the documents: messages of nvidia-smi, and noise."""
    words = text.decode(errors="replace").strip().lstrip("\ufeff")
    if words:
        known = explain(words)
        yield Problem(reason=known[0] if known else f"not part of a document: {words[:60]!r}", line=line)
