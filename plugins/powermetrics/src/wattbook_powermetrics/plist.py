"""The property lists that powermetrics prints, one XML document a sample, into blocks."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from attrs import define, field
from wattbook import ImportFailed

from wattbook_powermetrics.block import MIXED, Block
from wattbook_powermetrics.documents import CHUNK_BYTES, Document, documents

DEPTH = 64
#: process names are not always escaped, nor always UTF-8
LOOSE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)")
NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ACTIVE_SHARE = 1e-4
GPU = ("gpu", "gpu_energy")

Path = tuple[str, ...]
CLUSTER: Path = ("processor", "clusters")
IDLE = ("idle_ratio", "down_ratio")  #: shares of a core's or cluster's time; the rest was active
DOMAINS = ("cpu", "gpu", "ane", "dram", "package", "combined")
WANTED: frozenset[Path] = frozenset(
    [
        ("elapsed_ns",), ("hw_model",), ("kern_osversion",), ("timestamp",), GPU,
        ("processor", "package_joules"), ("processor", "package_watts"),
        *(("processor", f"{name}_{unit}") for name in DOMAINS for unit in ("energy", "power")),
    ]
)  # fmt: skip


def blocks(stream: IO[bytes]) -> Iterator[Block]:
    """Blocks in the order of the stream, each as soon as its document is complete."""
    for document in documents(stream):
        yield block_of(document)


def block_of(document: Document) -> Block:
    """One sample; raises ``ImportFailed`` where the document declares entities."""
    if document.cut:
        what = "the document of this sample is cut" if document.data else "a document is larger than 8 MB"
        return Block(power_mw={}, line=document.line, fault=what)
    start = max(document.data.find(b"<?xml"), 0)
    data = document.data[start:]
    try:
        try:
            fields = _parse(data)
        except (ParseError, UnicodeError):
            fields = _parse(_repaired(data))
        return _block(fields, document.line, zlib.crc32(data))
    except (ParseError, LookupError, ArithmeticError, ValueError) as error:
        if type(error).__module__.startswith("defusedxml"):
            reason = "it declares XML entities, which a property list never does"
            raise ImportFailed(reason, line=document.line) from error
        return Block(power_mw={}, line=document.line, fault=f"the document of this sample is damaged: {error}"[:200])


def _repaired(data: bytes) -> bytes:
    text = NOT_XML.sub("\ufffd", data.decode("utf-8", "replace"))
    return LOOSE_AMPERSAND.sub("&amp;", text).encode()


def _parse(data: bytes) -> Fields:
    from defusedxml.ElementTree import DefusedXMLParser

    parser = DefusedXMLParser(target=Fields(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    for i in range(0, len(data), CHUNK_BYTES):
        parser.feed(data[i : i + CHUNK_BYTES])
    fields: Fields = parser.close()
    return fields


@define
class Fields:
    """An XML target that keeps the wanted values by their path of keys; of a repeated key, the first."""

    values: dict[Path, str] = field(factory=dict)
    busy: bool = False
    mixed: bool = False  #: a value came twice, and differently
    _path: list[str] = field(factory=list)
    _ratios: list[dict[str, float]] = field(factory=list)
    _key: str = ""
    _text: list[str] | None = None
    _depth: int = 0

    def start(self, tag: str, _: Any) -> None:
        self._depth += 1
        if self._depth > DEPTH:
            raise ValueError("its elements are nested too deeply")
        if tag in ("dict", "array"):
            self._path.append(self._key)
            self._ratios.append({})
            self._key = ""
        else:
            self._text = []

    def data(self, text: str) -> None:
        if self._text is not None and len(self._text) < 16:
            self._text.append(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag in ("dict", "array"):
            self._path.pop()
            ratios = self._ratios.pop()
            if "idle_ratio" in ratios and 1.0 - sum(ratios.values()) > ACTIVE_SHARE:
                self.busy = True
            self._key = ""
            return
        text, self._text = "".join(self._text or ())[:256].strip(), None
        if tag == "key":
            self._key = text
            return
        path = (*(key for key in self._path if key), self._key)
        if path in WANTED:
            if self.values.setdefault(path, text) != text and path != GPU:
                self.mixed = True
        elif path[:2] == CLUSTER and self._key in IDLE and self._ratios:
            self._ratios[-1].setdefault(self._key, float(text))
        self._key = ""

    def close(self) -> Fields:
        return self

    def number(self, *path: str) -> float | None:
        text = self.values.get(path)
        return None if text is None else float(text)


def _block(fields: Fields, line: int, digest: int) -> Block:
    elapsed_ns = fields.number("elapsed_ns")
    elapsed_s = None if elapsed_ns is None else elapsed_ns / 1e9
    power_mw: dict[str, float] = {}
    for name in DOMAINS:
        power = fields.number("processor", f"{name}_power")
        energy_mj = fields.number("processor", f"{name}_energy")
        if power is None and energy_mj is not None and elapsed_s:
            power = energy_mj / elapsed_s  # up to macOS 12 the package has an energy and no power
        if power is not None:
            power_mw[name] = power
    gpu_mj = fields.number("gpu", "gpu_energy")
    if "gpu" not in power_mw and gpu_mj is not None and elapsed_s:
        power_mw["gpu"] = gpu_mj / elapsed_s  # the gpu_power sampler alone
    package_w, package_j = fields.number("processor", "package_watts"), fields.number("processor", "package_joules")
    if package_w is None and package_j is not None and elapsed_s:
        package_w = package_j / elapsed_s
    if package_w is not None:
        power_mw["intel"] = package_w * 1e3
    return Block(
        power_mw=power_mw,
        date=_date(fields.values.get(("timestamp",))),
        elapsed_s=elapsed_s,
        busy=fields.busy,
        line=line,
        digest=digest,
        fault=MIXED if fields.mixed else "",
        hardware=fields.values.get(("hw_model",), "")[:80],
        build=fields.values.get(("kern_osversion",), "")[:80],
    )


def _date(text: str | None) -> datetime | None:
    try:
        date = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
