"""pytest plugin: fixtures that every wattbook plugin's tests can use."""

from __future__ import annotations

import socket
import subprocess
from typing import Any, NoReturn

import pytest

pytest.register_assert_rewrite("wattbook.testing.contracts", "wattbook.testing.importing", "wattbook.testing.reading")


@pytest.fixture
def no_subprocess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if anything starts a process."""

    def refuse(*args: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"started a process: {args}")

    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if anything opens a connection."""

    def refuse(*args: Any, **_: Any) -> NoReturn:
        raise AssertionError(f"opened a connection: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
