"""A stream of property lists, split into its documents in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from attrs import frozen

CHUNK_BYTES = 65_536
DOCUMENT_BYTES = 8 << 20  #: a sample with every sampler on has about 1 MB
EDGE = re.compile(rb"\0|</plist>|<\?xml")
EDGE_BYTES = 8  #: the longest edge


@frozen(kw_only=True)
class Document:
    """The bytes of one property list; ``cut`` says that its end is missing."""

    data: bytes
    line: int
    cut: bool


def documents(stream: IO[bytes]) -> Iterator[Document]:
    """Split a stream on NUL, after ``</plist>`` and before ``<?xml``; what is no property list is left out."""
    held, start, line, oversized = bytearray(), 0, 1, False
    while chunk := stream.read(CHUNK_BYTES):
        held += chunk
        while edge := EDGE.search(held, start):
            token = edge[0]
            if token == b"<?xml" and not held[: edge.start()].strip():
                start = edge.end()
                continue
            split = edge.end() if token == b"</plist>" else edge.start()
            piece = bytes(held[:split])
            del held[: split + (token == b"\0")]
            if oversized or b"<plist" in piece or piece.startswith(b"<?xml"):
                yield Document(data=b"" if oversized else piece, line=line, cut=oversized or token != b"</plist>")
            line += piece.count(b"\n")
            oversized, start = False, 0
        start = max(start, len(held) - EDGE_BYTES + 1)
        if len(held) > DOCUMENT_BYTES:
            line += held.count(b"\n", 0, start)
            del held[:start]
            start, oversized = 0, True
    if b"<plist" in held or held.lstrip().startswith(b"<?xml"):
        yield Document(data=bytes(held), line=line, cut=True)
