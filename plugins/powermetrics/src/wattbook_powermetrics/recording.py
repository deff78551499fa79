"""Recordings of powermetrics, as text or as property lists, for the book."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

from wattbook import Basis, Importer, ImportFailed, ImportSource, Recording, RecordingBuilder, SourceFile

from wattbook_powermetrics import plist, text
from wattbook_powermetrics.block import INTEL, MIXED, PACKAGE, SOC, Block, Invalid, Taken, watts
from wattbook_powermetrics.messages import explain
from wattbook_powermetrics.timeline import Timeline

Blocks = Callable[[IO[bytes], SourceFile], Iterator[Block]]

HEADER = b" system activity ("
SUMMARY = b"*** Summary system activity ("
TEXT_MARKS = re.compile(
    rb"^\s*(?:"
    rb"\*\*\* (?:Sampled|Summary) system activity \("
    rb"|(?:CPU|GPU|ANE|DRAM|Package|Clusters Total|Combined) Power(?: \(CPU \+ GPU \+ ANE\))?: *[\d.]+ ?m?W\s*$"
    rb"|Intel energy model derived package power"
    rb"|[^\s-]+-Cluster (?:HW )?active residency:"
    rb")",
    re.MULTILINE,
)
PLIST_MARKS = (b"<key>is_delta</key>", b"<key>kern_osversion</key>", b"<key>elapsed_ns</key>", b"<key>hw_model</key>")
MESSAGE_BYTES = 4_096  #: a file that holds only messages is short
TOTALS = {SOC: "Combined Power", PACKAGE: "Package Power", INTEL: "Intel package power"}


def is_plist(file: SourceFile) -> bool:
    return b"<plist" in file.head and any(mark in file.head for mark in PLIST_MARKS)


def is_text(file: SourceFile) -> bool:
    if b"<plist" in file.head or b"<?xml" in file.head:
        return False
    return TEXT_MARKS.search(file.head) is not None or _message(file) is not None


def importers() -> Iterator[Importer]:
    """One for each of the two formats of ``powermetrics -f``."""
    for name, sniff, blocks in (("text", is_text, _text_blocks), ("plist", is_plist, _plist_blocks)):
        yield Importer(format=f"powermetrics-{name}", basis=Basis.MEASURED, sniff=sniff, read=_reader(name, blocks))


def _text_blocks(stream: IO[bytes], file: SourceFile) -> Iterator[Block]:
    return text.blocks(text.lines_of(stream), headed=HEADER in file.head)


def _plist_blocks(stream: IO[bytes], _: SourceFile) -> Iterator[Block]:
    return plist.blocks(stream)


def _reader(name: str, blocks: Blocks) -> Callable[[ImportSource], Iterator[Recording]]:
    def read(source: ImportSource) -> Iterator[Recording]:
        for file in source.files:
            try:
                yield _record(file, source, f"powermetrics-{name}", blocks)
            except ImportFailed as refused:
                raise refused.at(file.path) from refused.__cause__
            except (EOFError, OSError, zlib.error) as error:
                raise ImportFailed(f"cannot be read to its end: {error}", path=file.path) from error

    return read


def _record(file: SourceFile, source: ImportSource, format: str, blocks: Blocks) -> Recording:
    """Add up one file; raises ``ImportFailed`` where it holds no power, or figures of several machines."""
    builder = RecordingBuilder(format=format, source="powermetrics")
    timeline = Timeline(start=source.start)
    total = ""
    held: Callable[[], object] = _nobody  # a sample waits for the next header, which may spoil it
    held_line: int | None = None
    with file.open() as stream:
        for block in blocks(stream, file):
            _same_machine(builder, block)
            elapsed_s = block.elapsed_s if block.elapsed_s is not None else source.interval_s
            try:
                power_w = watts(block)
                end = timeline.place(block.date, elapsed_s, block.digest)
                kind = next((TOTALS[domain] for domain in power_w if domain in TOTALS), "")
                if total and not kind:
                    raise Invalid("the sample is incomplete: it has no total")
            except Invalid as why:
                if not block.joined or not (isinstance(why, Taken) or block.fault == MIXED):
                    held()
                elif held is not _nobody:
                    builder.problem("other text breaks into this sample, so its figures may be another's", held_line)
                held = _nobody
                builder.problem(str(why), block.line)
                continue
            if kind and total and kind != total:
                raise ImportFailed(
                    f"it holds {total} and {kind}, which do not cover the same parts: split it", line=block.line
                )
            total = total or kind
            held()
            held = partial(builder.add, power_w, end=end, elapsed_s=elapsed_s, line=block.line)
            held_line = block.line
    held()
    if builder.samples and not total:
        builder.warn("only the GPU was recorded: the total is the GPU alone")
    if not builder.samples and not builder.problems:
        raise ImportFailed(f"no power figure: {_message(file) or _nothing(file)}")
    return builder.build()


def _nobody() -> None:
    """No sample waits."""


def _same_machine(builder: RecordingBuilder, block: Block) -> None:
    if block.hardware:
        if builder.hardware and builder.hardware != block.hardware:
            raise ImportFailed(
                f"it holds recordings of two machines, {builder.hardware} and {block.hardware}: split it",
                line=block.line,
            )
        builder.hardware = block.hardware
    if block.build and builder.tool_version is None:
        builder.tool_version = f"macOS {block.build}"


def _nothing(file: SourceFile) -> str:
    if SUMMARY in file.head:
        return "it holds only the summary of a run, which is no sample"
    return "it holds no line such as 'Combined Power (CPU + GPU + ANE): 983 mW'; was the sampler cpu_power on?"


def _message(file: SourceFile) -> str | None:
    if len(file.head) > MESSAGE_BYTES:
        return None
    found = explain(file.head.decode("utf-8", "replace"))
    return None if found is None else f"{found.reason}; {found.remedy}"
