"""Closed and full streams, odd names and odd places: one sentence, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

POSIX = pytest.mark.skipif(os.name == "nt", reason="shell redirections and named pipes of POSIX")


@pytest.fixture
def shell(tmp_path: Path) -> object:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "WATTBOOK_LEDGER": str(tmp_path / "book.db"),
        "W": sys.executable,
    }
    environment.pop("WATTBOOK_STATE", None)

    def run(line: str, code: int | None = None, **more: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            ["bash", "-c", line.replace("wattbook", '"$W" -m wattbook')],
            cwd=tmp_path, env={**environment, **more}, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert code is None or done.returncode == code, (done.returncode, done.stderr.decode())
        return done

    return run


@POSIX
@pytest.mark.parametrize(
    "line",
    [
        "wattbook plugins >/dev/full",
        "wattbook report --month 2026-10 >/dev/full",
        "wattbook report --month 2026-10 >&-",
        "wattbook ledger export >&-",
        "wattbook chip - <&-",
        "wattbook log - <&-",
        "wattbook import - <&-",
        "wattbook doctor --json 2>&-",
    ],
)
def test_a_closed_or_full_stream_is_no_defect(shell, line: str) -> None:  # type: ignore[no-untyped-def]
    shell(line)


@POSIX
def test_the_child_of_a_closed_stdout_has_none_either(shell) -> None:  # type: ignore[no-untyped-def]
    done = shell("wattbook run -q -- sh -c 'echo x 2>/dev/null || exit 9' >&-", code=9)
    assert done.stdout == b""


@POSIX
def test_a_result_file_that_is_a_pipe_without_reader_does_not_hang(shell) -> None:  # type: ignore[no-untyped-def]
    done = shell("mkfifo p; wattbook run -q -o p -- sh -c 'exit 3'", code=3)
    assert b"cannot be written" in done.stderr


@POSIX
@pytest.mark.parametrize("name", ["p", ":memory:", ""])
def test_a_book_that_is_no_file_is_refused(shell, name: str) -> None:  # type: ignore[no-untyped-def]
    shell(f"mkfifo p; wattbook ledger show --ledger '{name}'", code=1)


@POSIX
@pytest.mark.parametrize("name", ["p", "/dev/zero"])
def test_a_configuration_that_is_no_file_is_refused(shell, name: str) -> None:  # type: ignore[no-untyped-def]
    shell(f"mkfifo p; wattbook doctor --config {name}", code=2)


def test_an_empty_path_is_not_the_whole_folder(shell) -> None:  # type: ignore[no-untyped-def]
    shell('wattbook import ""', code=2)


def test_a_path_that_is_too_long_is_a_sentence(shell) -> None:  # type: ignore[no-untyped-def]
    shell(f"wattbook import {'x' * 5000}", code=1)


@POSIX
@pytest.mark.parametrize("what", ["$'\\xff'", "x" * 100_000, "$'a\\nb'"])
def test_an_id_that_cannot_be_is_a_sentence(shell, what: str) -> None:  # type: ignore[no-untyped-def]
    shell(f"wattbook explain {what}", code=1)


@POSIX
@pytest.mark.parametrize("name", ["$'\\ufdd0abc'", "$'\\xff'"])
def test_json_stays_json_whatever_the_name(shell, name: str) -> None:  # type: ignore[no-untyped-def]
    done = shell(f"wattbook chip {name} --json", code=1)
    assert json.loads(done.stdout.decode("utf-8"))["match"] is None


def test_a_start_beyond_the_calendar_is_a_sentence(shell, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    log = tmp_path / "log.txt"
    log.write_text("PkgWatt\tRAMWatt\n10.00\t1.00\n11.00\t1.00\n")
    done = shell("wattbook import log.txt --interval-s 5 --start 9999-12-31T23:59:58Z", code=1)
    assert b"defect" not in done.stderr
