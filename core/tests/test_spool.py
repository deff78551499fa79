"""The spool keeps every acknowledged poll, whatever happens to its writer, its last line or its disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wattbook import spool
from wattbook.config import user_folder
from wattbook.records import Entry, Labels, RunRecord
from wattbook.spool import SpoolWriter
from wattbook.spool.writing import COMPACT_BYTES, sealed

RUN = RunRecord(run_id="r1", start="2026-10-01T08:00:00.000000Z", end="2026-10-01T08:00:00.000000Z", complete=False)


def moment(second: float) -> str:
    return f"2026-10-01T08:{int(second) // 60:02}:{second % 60:09.6f}Z"


def an_entry(until: float, since: float = 0.0, **more: Any) -> Entry:
    given: dict[str, Any] = {"device": "machine", "domain": "host", "basis": "estimated", "energy_j": until - since}
    return Entry(run_id="r1", start=moment(since), end=moment(until), host="h", **(given | more))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "spool")


def a_spool(folder: str, polls: int = 3, *, end: bool = False) -> str:
    writer = SpoolWriter.create(RUN, where=folder)
    for second in range(1, polls + 1):
        writer.poll(moment(second), [an_entry(second)], share=0.5)
    if end:
        writer.end(RunRecord(run_id="r1", start=RUN.start, end=moment(9), exit_code=7), [an_entry(9)])
    writer.close()
    return writer.path


# --- what is read back -------------------------------------------------------------------------


def test_a_spool_without_an_end_gives_its_last_poll(folder: str) -> None:
    content = spool.read(a_spool(folder))
    assert content.run is not None
    assert (content.complete, content.run.complete) == (False, False)
    assert content.run.end == moment(3)
    assert content.run.process_share == 0.5
    assert content.entries == (an_entry(3),)
    assert content.problems == ()


def test_the_end_replaces_the_polls(folder: str) -> None:
    content = spool.read(a_spool(folder, end=True))
    assert content.run is not None
    assert (content.complete, content.run.complete, content.run.exit_code) == (True, True, 7)
    assert content.entries == (an_entry(9),)


def test_pieces_stay_and_polls_replace_each_other(folder: str) -> None:
    writer = SpoolWriter.create(RUN, where=folder)
    writer.poll(moment(1), [an_entry(1)])
    writer.piece([an_entry(2)])
    writer.poll(moment(3), [an_entry(3, 2)])
    writer.poll(moment(4), [an_entry(4, 2)])
    content = spool.read(writer.path)
    writer.close()
    assert content.entries == (an_entry(2), an_entry(4, 2))


def test_a_piece_takes_the_place_of_the_polls_before_it(folder: str) -> None:
    writer = SpoolWriter.create(RUN, where=folder)
    writer.poll(moment(1), [an_entry(1)])
    writer.piece([an_entry(2)])
    content = spool.read(writer.path)
    writer.close()
    assert content.entries == (an_entry(2),)
    assert content.run is not None
    assert content.run.end == moment(2)


def test_a_run_that_wrote_nothing_more_has_no_length(folder: str) -> None:
    content = spool.read(a_spool(folder, polls=0))
    assert content.run is not None
    assert (content.run.start, content.run.end, content.entries) == (RUN.start, RUN.start, ())


def test_the_book_that_a_run_was_meant_for_is_kept(folder: str) -> None:
    writer = SpoolWriter.create(RUN, where=folder, ledger="postgresql://team/book")
    writer.end(RUN, [])
    writer.close()
    assert spool.read(writer.path).ledger == "postgresql://team/book"


def test_any_text_survives(folder: str) -> None:
    labels = Labels(project='naïve "quoted" \\ 中文 \u2028', tags={"k": "v=w"})
    writer = SpoolWriter.create(RUN, where=folder)
    writer.poll(moment(1), [an_entry(1, labels=labels)])
    writer.close()
    assert spool.read(writer.path).entries[0].labels == labels


def test_only_the_user_can_read_it(folder: str) -> None:
    path = a_spool(folder)
    assert os.stat(path).st_mode & 0o077 == 0
    assert os.stat(folder).st_mode & 0o077 == 0


# --- cut short, edited, foreign ----------------------------------------------------------------


def test_a_file_cut_at_any_byte_keeps_every_poll_before_the_cut(folder: str, tmp_path: Path) -> None:
    data = Path(a_spool(folder, polls=2, end=True)).read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    cut = tmp_path / "cut.jsonl"
    for length in range(len(data)):
        cut.write_bytes(data[:length])
        content = spool.read(cut)
        assert not content.damaged, length
        whole = sum(end <= length or end - 1 == length for end in ends)  # the newline itself carries nothing
        assert (content.run is not None) == (whole >= 1)
        if 2 <= whole < 4:
            assert content.entries == (an_entry(whole - 1),)
        assert content.complete == (whole == 4)
        if length and length not in ends and length + 1 not in ends:
            assert len(content.problems) == 1, "what was dropped is counted"


def test_a_file_cut_at_any_byte_of_a_poll_that_grows_keeps_what_was_whole(folder: str, tmp_path: Path) -> None:
    writer = spool.SpoolWriter.create(RUN, where=folder)
    writer.poll(moment(1), [an_entry(1)])
    for number in (2, 3):
        writer.grown(moment(number), [(float(number), None, None)])
    writer.close()
    data = Path(writer.path).read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    cut = tmp_path / "cut.jsonl"
    for length in range(ends[1], len(data)):
        cut.write_bytes(data[:length])
        content = spool.read(cut)
        whole = sum(end <= length or end - 1 == length for end in ends)
        assert not content.damaged, length
        assert [entry.energy_j for entry in content.entries] == [float(whole - 1)]


def test_zeros_at_the_end_are_a_cut(folder: str) -> None:
    """What a power failure leaves on some file systems."""
    path = Path(a_spool(folder))
    path.write_bytes(path.read_bytes() + b"\0" * 500)
    content = spool.read(path)
    assert not content.damaged
    assert content.entries == (an_entry(3),)


def test_an_empty_file_has_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").touch()
    content = spool.read(tmp_path / "e.jsonl")
    assert (content.run, content.entries, content.damaged, content.complete) == (None, (), False, False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_an_edited_line_damages_the_file(tmp_path: Path, data: st.DataObject) -> None:
    folder = str(tmp_path / os.urandom(4).hex())
    path = Path(a_spool(folder, end=True))
    lines = path.read_bytes().splitlines(keepends=True)
    number = data.draw(st.integers(0, len(lines) - 2))
    place = data.draw(st.integers(0, len(lines[number]) - 2))
    changed = bytearray(lines[number])
    changed[place] = data.draw(st.integers(32, 126).filter(lambda byte: byte != changed[place]))
    path.write_bytes(b"".join([*lines[:number], bytes(changed), *lines[number + 1 :]]))
    content = spool.read(path)
    assert content.damaged
    assert content.entries == ()
    assert f":{number + 1}: " in content.problems[0]


def test_a_number_edited_in_the_last_line_damages_the_file(folder: str) -> None:
    path = Path(a_spool(folder, end=True))
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"energy_j":9.0', b'"energy_j":1.0'))
    assert path.read_bytes() != data
    content = spool.read(path)
    assert content.damaged
    assert "changed after it was written" in content.problems[0]


@pytest.mark.parametrize(
    "content",
    [
        b"hello\nworld\n",
        b'{"some": "json"}\n{"more": "json"}\n',
        b"[]\n[]\n",
        b"\xff\xfe\x00garbage\n\x00\n",
        sealed({"type": "poll", "at": moment(1), "entries": []}),
        sealed({"type": "run", "spool": 99, "run": RUN.as_dict()}),
        sealed({"type": "run", "spool": 1}),
        sealed({"type": "run", "spool": 1, "run": {"no": "run"}}),
        sealed({"type": "run", "spool": 1, "run": RUN.as_dict()}) + sealed({"type": "poll", "entries": 7}),
        sealed({"type": "run", "spool": 1, "run": RUN.as_dict()}) + sealed({"type": "end", "run": None}),
    ],
)
def test_a_foreign_file_is_damaged_and_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    read = spool.read(path)
    assert read.damaged
    assert read.entries == ()
    assert "foreign.jsonl:" in read.problems[0]


def test_a_huge_foreign_file_is_not_swallowed_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as stream:
        stream.truncate(1 << 34)  # 16 GiB of zeros, without a single line end
    assert spool.read(path).damaged


def test_a_damaged_file_is_set_aside_and_kept(tmp_path: Path) -> None:
    for content in ("one", "two"):
        path = tmp_path / "bad.jsonl"
        path.write_text(content)
        kept = Path(spool.set_aside(path))
        assert kept.read_text() == content
        assert not path.exists()
    assert spool.paths(str(tmp_path)) == []
    assert len(list((tmp_path / "damaged").iterdir())) == 2


# --- a disk that refuses -----------------------------------------------------------------------


def test_half_a_write_spoils_nothing_and_the_next_one_works(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SpoolWriter.create(RUN, where=folder)
    writer.poll(moment(1), [an_entry(1)])
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        with pytest.raises(OSError, match="No space left"):
            writer.poll(moment(2), [an_entry(2)])
    assert spool.read(writer.path).entries == (an_entry(1),)
    writer.poll(moment(3), [an_entry(3)])
    writer.close()
    content = spool.read(writer.path)
    assert content.entries == (an_entry(3),)
    assert content.problems == ()


def test_a_spool_that_cannot_be_started_leaves_nothing(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: 0)
        with pytest.raises(OSError, match="No space left"):
            SpoolWriter.create(RUN, where=folder)
    assert os.listdir(folder) == []


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        SpoolWriter.create(RUN, where=str(tmp_path / "file"))


def test_without_an_absolute_folder_there_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_STATE", "some/where")
    with pytest.raises(OSError, match="no home folder"):
        spool.folder()
    assert spool.paths() == []


@pytest.mark.parametrize("kind", ["config", "state"])
@pytest.mark.parametrize("value", [None, "/some/where", "not/absolute", ""])
def test_a_users_folder_is_where_platformdirs_has_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, value: str | None
) -> None:
    import platformdirs

    name = f"XDG_{kind.upper()}_HOME"
    if value is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, value)
    theirs = getattr(platformdirs, f"user_{kind}_dir")("wattbook", appauthor=False)
    assert user_folder(kind) == theirs


# --- size --------------------------------------------------------------------------------------


def test_a_long_run_stays_small_and_loses_no_piece(folder: str) -> None:
    writer = SpoolWriter.create(RUN, where=folder)
    pieces = []
    for number in range(4000):
        if number % 500 == 0:
            pieces.append(an_entry(number + 1, number))
            writer.piece([pieces[-1]])
        writer.poll(moment(number % 3600), [an_entry(number % 3600)])
        assert os.stat(writer.path).st_size < COMPACT_BYTES + 10_000
        if number % 1000 == 999:
            assert spool.is_live(writer.path)
    content = spool.read(writer.path)
    assert content.entries == (*pieces, an_entry(3999 % 3600))
    assert content.run is not None
    assert os.listdir(folder) == ["r1.jsonl"]
    writer.close()


# --- live or dead ------------------------------------------------------------------------------


def test_a_spool_is_live_until_its_writer_closes_it(folder: str) -> None:
    writer = SpoolWriter.create(RUN, where=folder)
    assert spool.is_live(writer.path)
    assert spool.is_live(writer.path), "asking changes nothing"
    writer.close()
    assert not spool.is_live(writer.path)
    assert not spool.is_live(writer.path + ".gone")


WRITER = """
    import sys
    sys.path[:0] = sys.argv[3:]
    from wattbook.records import Entry, RunRecord
    from wattbook.spool import SpoolWriter
    run = RunRecord(run_id="r1", start="2026-10-01T08:00:00.000000Z", end="2026-10-01T08:00:00.000000Z")
    writer = SpoolWriter.create(run, where=sys.argv[1])
    for number in range(1, 10**6):
        entry = Entry(run_id="r1", start=run.start, end=run.start, host="h", device="machine", domain="host",
                      basis="estimated", energy_j=number)
        if number % 50:
            writer.poll("2026-10-01T08:00:00.000000Z", [entry])
        else:
            writer.piece([entry])
        print(number, flush=True)
    """


@pytest.mark.parametrize("seed", range(8))
def test_kill_9_at_a_random_moment_loses_no_acknowledged_poll(folder: str, seed: int) -> None:
    words = [sys.executable, "-c", textwrap.dedent(WRITER), folder, str(seed), *sys.path]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(seed).random() * 0.3)
        path = spool.paths(folder)[0]
        assert spool.is_live(path)
        process.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
    assert not spool.is_live(path)
    content = spool.read(path)
    assert not content.damaged
    last = max(entry.energy_j or 0.0 for entry in content.entries)
    assert last >= (acknowledged[-1] if acknowledged else 1)
    sealed_so_far = [entry.energy_j for entry in content.entries if (entry.energy_j or 1) % 50 == 0]
    assert sealed_so_far == [50.0 * i for i in range(1, len(sealed_so_far) + 1)]
    assert len(sealed_so_far) >= int(last) // 50


def test_a_run_that_ends_while_it_is_read_is_not_taken_for_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wattbook.ledger.fold import fold_in
    from wattbook.ledger.store import Ledger

    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path))
    ledger = str(tmp_path / "book.db")
    writer = SpoolWriter.create(RUN, ledger=ledger)
    writer.poll(moment(1), [an_entry(1)])
    read = spool.read

    def read_and_end(path: str) -> spool.SpoolContent:
        content = read(path)
        writer.end(RunRecord(run_id="r1", start=RUN.start, end=moment(9)), [an_entry(9)])
        writer.close()
        return content

    with Ledger.open(ledger) as book:
        monkeypatch.setattr(spool, "read", read_and_end)
        fold_in(book)
        monkeypatch.setattr(spool, "read", read)
        fold_in(book)
        assert [(run.complete, run.end) for run in book.runs()] == [(True, moment(9))]
        assert book.entries() == [an_entry(9)]
