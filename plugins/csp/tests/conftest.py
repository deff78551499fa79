"""What the tests of this plugin share: reading a source, and its totals."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import wattbook_csp
from wattbook import Importer, ImportSource, Problem, Statement
from wattbook.testing import a_source

DATA = Path(__file__).parent / "data"

Items = list[Statement | Problem]
Totals = dict[tuple[str, str, str], Decimal]


def _read(*paths: Path | str, as_format: str | None = None, **said: object) -> Items:
    """Everything that the fitting importer says about *paths*; a relative one lies in tests/data."""
    source: ImportSource = a_source(*(DATA / path for path in paths), **said)
    offers = [o for o in wattbook_csp.import_provided(source=source, config=None) if isinstance(o, Importer)]
    if as_format is None:
        fitting = {offer.format for offer in offers for file in source.files if offer.sniff(file)}
        (as_format,) = fitting
    (importer,) = [offer for offer in offers if offer.format == as_format]
    return list(importer.read(source))  # type: ignore[arg-type]


@pytest.fixture
def read() -> Callable[..., Items]:
    return _read


@pytest.fixture
def statements() -> Callable[..., list[Statement]]:
    def only(*paths: Path | str, **said: object) -> list[Statement]:
        return [item for item in _read(*paths, **said) if isinstance(item, Statement)]  # type: ignore[arg-type]

    return only


@pytest.fixture
def reasons() -> Callable[..., list[str]]:
    def only(*paths: Path | str, **said: object) -> list[str]:
        return [item.reason for item in _read(*paths, **said) if isinstance(item, Problem)]  # type: ignore[arg-type]

    return only


@pytest.fixture
def totals() -> Callable[..., Totals]:
    """Kilograms by month, scope and method."""

    def add(*paths: Path | str, **said: object) -> Totals:
        sums: Totals = {}
        for item in _read(*paths, **said):  # type: ignore[arg-type]
            if isinstance(item, Statement):
                cell = (item.month, item.scope, item.method)
                sums[cell] = sums.get(cell, Decimal(0)) + item.co2e_kg
        return sums

    return add


@pytest.fixture
def providers() -> Path:
    """The folder of providers' samples, which lies outside the project."""
    folder = os.environ.get("WATTBOOK_PROVIDERS")
    if not folder:
        pytest.skip("WATTBOOK_PROVIDERS does not name the folder of providers' samples")
    return Path(folder)


class StandIn:
    """A provider's REST interface on this machine: answers come from *answer*, requests are kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []  #: method, path with its query, body
        self.answer: Callable[[str, str, Any], tuple[int, dict[str, str], Any]] = lambda *_: (404, {}, {})
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                stand_in.asked.append((self.command, self.path, body))
                status, headers, document = stand_in.answer(self.command, self.path, body)
                data = (document if isinstance(document, str) else json.dumps(document)).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(data)),
                    **headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _do

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()
