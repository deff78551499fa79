"""The four formats: recognise a file, read it, refuse it with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wattbook import Basis, Importer, ImportFailed, ImportSource, Problem, Recording, RecordingBuilder, SourceFile

from wattbook_nvidia_smi import csv_, dmon, q_text, stats, table, xml_
from wattbook_nvidia_smi.collect import Collector
from wattbook_nvidia_smi.gpu import GpuSample
from wattbook_nvidia_smi.lines import lines_of
from wattbook_nvidia_smi.refusals import explain
from wattbook_nvidia_smi.sniff import FORMATS, kind_of

_WHOLE_WATTS = ("dmon", "table")


def importers() -> Iterator[Importer]:
    for name in dict.fromkeys(FORMATS.values()):
        yield Importer(format=name, basis=Basis.MEASURED, sniff=_sniffer(name), read=_reader(name))


def _sniffer(name: str) -> Callable[[SourceFile], bool]:
    def sniff(file: SourceFile) -> bool:
        kind = kind_of(file.head)
        return kind is not None and FORMATS[kind] == name

    return sniff


def _reader(name: str) -> Callable[[ImportSource], Iterator[Recording]]:
    def read(source: ImportSource) -> Iterator[Recording]:
        for file in source.files:
            try:
                yield _recording(name, file, source)
            except ImportFailed as refused:
                raise refused.at(file.path) from refused

    return read


def _recording(name: str, file: SourceFile, source: ImportSource) -> Recording:
    kind = kind_of(file.head)
    if kind is None or FORMATS[kind] != name:  # the user named the format himself
        kind = next(k for k, fmt in FORMATS.items() if fmt == name)
    collector = Collector(RecordingBuilder(format=name, source="smi"), source)
    for sample in _samples(kind, file):
        collector.take(sample)
    if kind in _WHOLE_WATTS:
        collector.builder.warn("this output gives whole watts only")
    return collector.build()


def _samples(kind: str, file: SourceFile) -> Iterator[GpuSample | Problem]:
    if kind == "xml":
        return xml_.samples(file)
    if kind == "mixed":
        raise ImportFailed(
            "this file holds several outputs of nvidia-smi one after the other; save each in a file of its own"
        )
    lines = lines_of(file)
    if kind == "error":
        for line in lines:
            known = explain(line.text)
            if known is not None:
                raise ImportFailed(
                    f"this is no recording but a message of nvidia-smi: {known[0]}; to help that, {known[1]}",
                    line=line.number,
                )
    parsers = {"q": q_text, "table": table, "dmon": dmon, "pmon": dmon, "stats": stats}
    parser = parsers.get(kind)
    return parser.samples(lines) if parser is not None else csv_.samples(lines)
