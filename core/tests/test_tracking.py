"""``wattbook.track``: the same engine in the user's process, which never gets in the way of the user's code."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import wattbook
from wattbook import spool
from wattbook.accounting.overlaps import without_overlaps
from wattbook.config import Config
from wattbook.model import Chip, Host, Reading
from wattbook.plugins import gather
from wattbook.records import Labels
from wattbook.testing import until

GRACE_S = 30.0
POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are POSIX")


class Thumb:
    """An estimator of 10 W for a machine."""

    @wattbook.hookimpl
    def estimate(self, gaps: Any, activity: Any, config: Any) -> Iterator[Reading]:
        for gap in gaps:
            if gap.domain.name == "host":
                joules = 10 * activity.window.duration_s
                yield Reading(
                    domain=gap.domain, window=activity.window, energy_j=joules, low_j=joules / 2, high_j=joules * 2,
                    basis=wattbook.Basis.ESTIMATED, source="thumb", cause="model:thumb",
                )  # fmt: skip


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATTBOOK_STATE", str(tmp_path))
    monkeypatch.delenv("WATTBOOK_RUN_ID", raising=False)
    made = gather([("thumb", Thumb())])
    host = Host(name="h", os="linux", arch="x86_64", cpus=(Chip(name="X", device="cpu:0"),))
    monkeypatch.setattr("wattbook.pipeline.observe.installed", lambda tables=None: made)
    monkeypatch.setattr("wattbook.pipeline.observe.detect", lambda: host)
    monkeypatch.setattr("wattbook.pipeline.observe.load", lambda path: Config())
    return tmp_path


def contents(state: Path) -> list[spool.SpoolContent]:
    return [spool.read(path) for path in spool.paths(str(state / "spool"))]


# --- figures -------------------------------------------------------------------------------------


def test_a_block_has_figures_afterwards(state: Path) -> None:
    with wattbook.track(project="llm", phase="train", tags={"seed": "1"}) as run:
        time.sleep(0.3)
        assert run.energy_j is None
        assert not run.complete
    assert run.complete
    assert run.duration_s is not None
    assert run.energy_j == pytest.approx(10 * run.duration_s)
    assert (run.energy_low_j, run.energy_high_j) == pytest.approx((run.energy_j / 2, run.energy_j * 2))
    assert run.co2e_g is not None
    assert [(r.device, r.domain, r.basis, r.plugin, r.outermost) for r in run.readings] == [
        ("machine", "host", "estimated", "thumb", True)
    ]
    assert "machine/facility" in {gap.domain for gap in run.gaps}


def test_the_spool_says_the_same(state: Path) -> None:
    with wattbook.track(project="llm", phase="train", tags={"seed": "1"}) as run:
        time.sleep(0.1)
    (content,) = contents(state)
    assert content.run is not None
    assert (content.run.run_id, content.run.complete, content.run.exit_code) == (run.run_id, True, 0)
    assert content.run.labels == Labels(project="llm", phase="train", tags={"seed": "1"})
    assert sum(e.energy_j or 0 for e in content.entries) == pytest.approx(run.energy_j)


def test_one_object_can_be_entered_again(state: Path) -> None:
    tracking = wattbook.track()
    with tracking as first:
        pass
    with tracking as second:
        pass
    assert first.run_id != second.run_id
    assert len(contents(state)) == 2


def test_start_and_stop_serve_a_notebook(state: Path) -> None:
    tracking = wattbook.track()
    run = tracking.start()
    time.sleep(0.05)
    tracking.stop()
    assert run.complete
    tracking.stop()  # once more does nothing
    assert len(contents(state)) == 1


# --- the user's code goes first --------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_the_users_exception_passes_through(state: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, wattbook.track():
        raise error
    assert caught.value is error
    (content,) = contents(state)
    assert content.run is not None
    expected = {"ValueError": (1, None), "KeyboardInterrupt": (None, "SIGINT"), "SystemExit": (3, None)}
    assert (content.run.exit_code, content.run.signal) == expected[type(error).__name__]


def test_a_spool_that_cannot_be_written_is_a_warning(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "file").write_text("")
    monkeypatch.setenv("WATTBOOK_STATE", str(state / "file"))
    with pytest.warns(RuntimeWarning, match="not recorded"), wattbook.track() as run:
        pass
    assert run.energy_j is not None
    assert any("not recorded" in warning for warning in run.warnings)


def test_a_warning_stays_one_where_warnings_are_errors(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "file").write_text("")
    monkeypatch.setenv("WATTBOOK_STATE", str(state / "file"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with wattbook.track() as run:
            pass
    assert any("not recorded" in warning for warning in run.warnings)


def test_strict_raises_what_cannot_be_recorded(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "file").write_text("")
    monkeypatch.setenv("WATTBOOK_STATE", str(state / "file"))
    with pytest.raises(wattbook.WattbookError, match="not recorded"), wattbook.track(strict=True):
        pass


def test_strict_does_not_hide_the_users_exception(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "file").write_text("")
    monkeypatch.setenv("WATTBOOK_STATE", str(state / "file"))
    with pytest.raises(ZeroDivisionError) as caught, wattbook.track(strict=True):
        _ = 1 / 0
    assert any("not recorded" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    "said",
    [{"project": "a\nb"}, {"project": ""}, {"phase": "lunch"}, {"tags": {"a": "\x1b"}}, {"interval_s": 0},
     {"interval_s": float("nan")}, {"project": 7}, {"interval_s": "soon"}],
)  # fmt: skip
def test_a_bad_label_is_left_out_with_a_warning_and_refused_when_strict(state: Path, said: dict[str, Any]) -> None:
    with pytest.warns(RuntimeWarning, match=next(iter(said))), wattbook.track(**said) as run:
        pass
    assert run.complete
    with pytest.raises(ValueError, match=next(iter(said))), wattbook.track(strict=True, **said):
        raise AssertionError("entered")


def test_strict_refuses_a_bad_configuration(state: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("colour = 1")
    with (
        pytest.raises(wattbook.ConfigError, match="colour"),
        wattbook.track(strict=True, config=str(tmp_path / "c.toml")),
    ):
        raise AssertionError("entered")


def test_an_engine_that_does_not_start_is_a_warning(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.warns(RuntimeWarning, match="not tracked"), wattbook.track() as run:
            done = True
    assert done
    assert not run.complete
    assert "WATTBOOK_RUN_ID" not in os.environ


def test_plugins_that_break_are_a_warning(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tables: object = None) -> None:
        raise RuntimeError("metadata is gone")

    monkeypatch.setattr("wattbook.pipeline.observe.installed", broken)
    with pytest.warns(RuntimeWarning, match="metadata is gone"), wattbook.track() as run:
        pass
    assert run.energy_j is None


def test_what_the_user_said_about_garbage_and_signals_stands(state: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    gc.disable()
    try:
        with wattbook.track():
            time.sleep(0.1)
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert signal.getsignal(signal.SIGTERM) is before


# --- nested, in threads, in tasks -------------------------------------------------------------------


def test_a_run_inside_a_run_names_its_parent(state: Path) -> None:
    with wattbook.track() as outer:
        with wattbook.track() as inner:
            assert os.environ["WATTBOOK_RUN_ID"] == inner.run_id
        assert os.environ["WATTBOOK_RUN_ID"] == outer.run_id
    assert "WATTBOOK_RUN_ID" not in os.environ
    assert (outer.parent_id, inner.parent_id) == (None, outer.run_id)
    parents = {c.run.run_id: c.run.parent_id for c in contents(state) if c.run is not None}
    assert parents == {outer.run_id: None, inner.run_id: outer.run_id}


def test_a_run_around_the_program_is_the_parent(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTBOOK_RUN_ID", "outer")
    with wattbook.track() as run:
        pass
    assert run.parent_id == "outer"
    assert os.environ["WATTBOOK_RUN_ID"] == "outer"


def test_threads_track_side_by_side(state: Path) -> None:
    tracking = wattbook.track()
    barrier = threading.Barrier(4)
    runs: list[Any] = []

    def work(number: int) -> None:
        with tracking as run:
            runs.append((number, run))
            barrier.wait(GRACE_S)
            time.sleep(0.05 * number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.run_id for _, run in runs}) == 4
    assert all(run.complete and run.parent_id is None for _, run in runs)
    by_number = [run.duration_s for _, run in sorted(runs, key=lambda pair: pair[0])]
    assert by_number[0] < by_number[3]
    assert "WATTBOOK_RUN_ID" not in os.environ


def test_tasks_track_side_by_side_and_the_loop_goes_on(state: Path) -> None:
    async def work() -> Any:
        async with wattbook.track() as run:
            await asyncio.sleep(0.05)
            async with wattbook.track() as inner:
                pass
        assert inner.parent_id == run.run_id
        return run

    async def everything() -> list[Any]:
        return list(await asyncio.gather(*(work() for _ in range(3))))

    runs = asyncio.run(everything())
    assert len({run.run_id for run in runs}) == 3
    assert all(run.complete and run.parent_id is None for run in runs)


# --- the decorator ---------------------------------------------------------------------------------


def test_every_call_of_a_function_is_a_run(state: Path) -> None:
    @wattbook.track(project="llm")
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert (double(2), double(3), double.__doc__) == (4, 6, "Twice.")
    assert double.last_run.complete  # type: ignore[attr-defined]
    assert len(contents(state)) == 2


def test_without_brackets_it_decorates_too(state: Path) -> None:
    @wattbook.track
    def double(x: int) -> int:
        return 2 * x

    assert double(2) == 4
    assert len(contents(state)) == 1


def test_coroutines_and_generators_are_tracked_while_they_run(state: Path) -> None:
    @wattbook.track()
    async def later() -> int:
        await asyncio.sleep(0.05)
        return 5

    @wattbook.track()
    def some() -> Iterator[int]:
        got = yield 1
        yield got

    @wattbook.track()
    async def many() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def gathered() -> list[int]:
        return [item async for item in many()]

    assert asyncio.run(later()) == 5
    assert later.last_run.duration_s >= 0.05  # type: ignore[attr-defined]
    generator = some()
    assert next(generator) == 1
    assert generator.send(7) == 7  # type: ignore[attr-defined]
    assert list(generator) == []
    assert asyncio.run(gathered()) == [1, 2]
    assert len(contents(state)) == 3


def test_a_class_is_left_as_it_is(state: Path) -> None:
    class Model:
        pass

    with pytest.warns(RuntimeWarning, match="function"):
        assert wattbook.track()(Model) is Model  # type: ignore[type-var]
    with pytest.raises(TypeError, match="function"):
        wattbook.track(strict=True)(Model)  # type: ignore[type-var]


# --- processes -------------------------------------------------------------------------------------


def script(code: str, state: Path, **more: Any) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("WATTBOOK_")}
    env |= {"WATTBOOK_STATE": str(state), "WATTBOOK_LEDGER": str(state / "book.db"), "TZ": "Asia/Singapore"}
    words = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    return subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True, **more)


def printed(process: subprocess.Popen[str], code: int = 0) -> Any:
    with process:
        out, _ = process.communicate(timeout=GRACE_S)
    assert process.returncode == code
    return json.loads(out)


@POSIX
def test_a_forked_child_leaves_its_parents_spool_alone(tmp_path: Path) -> None:
    said = printed(
        script(
            """
            import json, os, wattbook
            with wattbook.track() as run:
                pid = os.fork()
                if not pid:
                    with wattbook.track() as inner:
                        pass
                    assert inner.complete and inner.parent_id == run.run_id
                    # the child leaves the parent's block, too
            if not pid:
                assert not run.complete and "forked" in run.warnings[-1], run
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            print(json.dumps([run.run_id, run.complete]))
            """,
            tmp_path,
        )
    )
    spools = {c.run.run_id: c for c in contents(tmp_path) if c.run is not None}
    assert said[1] is True
    assert len(spools) == 2
    assert all(content.complete for content in spools.values())


@POSIX
def test_a_killed_parent_is_seen_to_be_dead_while_its_forked_child_lives(tmp_path: Path) -> None:
    process = script(
        """
        import os, time, wattbook
        with wattbook.track(interval_s=0.1) as run:
            pid = os.fork()
            if pid:
                print(pid, flush=True)
            time.sleep(60)
        """,
        tmp_path,
    )
    with process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        (path,) = until(lambda: spool.paths(str(tmp_path / "spool")), "the spool")
        until(lambda: spool.read(path).entries, "a poll")
        assert spool.is_live(path)
        process.kill()
        process.wait()
        try:
            assert until(lambda: not spool.is_live(path), "the lock to be free")
            os.kill(child, 0)  # the child still lives
        finally:
            os.kill(child, signal.SIGKILL)
    content = spool.read(path)
    assert content.run is not None
    assert not content.run.complete
    assert sum(entry.energy_j or 0 for entry in content.entries) > 0


@POSIX
def test_a_killed_program_loses_no_more_than_one_interval(tmp_path: Path) -> None:
    process = script(
        """
        import time, wattbook
        with wattbook.track(interval_s=0.1, project="llm") as run:
            print(run.run_id, flush=True)
            time.sleep(60)
        """,
        tmp_path,
    )
    with process:
        assert process.stdout is not None
        run_id = process.stdout.readline().strip()
        path = str(tmp_path / "spool" / f"{run_id}.jsonl")
        until(lambda: os.path.exists(path) and len(Path(path).read_text().splitlines()) > 3, "three polls")
        process.kill()
    content = spool.read(path)
    assert content.run is not None
    assert (content.run.labels.project, content.run.complete) == ("llm", False)
    assert sum(entry.energy_j or 0 for entry in content.entries) > 0


def test_a_program_that_forgets_to_stop_is_saved_at_its_end(tmp_path: Path) -> None:
    said = printed(
        script(
            """
            import json, time, wattbook
            run = wattbook.track().start()
            time.sleep(0.2)
            print(json.dumps(run.run_id))
            """,
            tmp_path,
        )
    )
    (content,) = contents(tmp_path)
    assert content.run is not None
    assert (content.run.run_id, content.run.complete) == (said, True)


def test_an_interpreter_that_starts_no_more_threads_still_saves(tmp_path: Path) -> None:
    said = printed(
        script(
            """
            import atexit, json, threading, time, wattbook
            from wattbook import spool

            def refuse(self):
                raise RuntimeError("can't create new thread at interpreter shutdown")

            run = wattbook.track().start()
            while not any('"poll"' in open(path).read() for path in spool.paths()):
                time.sleep(0.05)
            atexit.register(setattr, threading.Thread, "start", refuse)
            print(json.dumps(run.run_id))
            """,
            tmp_path,
        )
    )
    (content,) = contents(tmp_path)
    assert content.run is not None
    assert (content.run.run_id, content.run.complete) == (said, True)
    assert any(entry.energy_j for entry in content.entries)


def test_a_program_with_pools_of_processes_ends(tmp_path: Path) -> None:
    said = printed(
        script(
            """
            import json, multiprocessing, os, wattbook

            if __name__ == "__main__":
                with wattbook.track() as run, multiprocessing.get_context("fork").Pool(2) as pool:
                    told = pool.map(os.getenv, ["WATTBOOK_RUN_ID"] * 4)
                print(json.dumps([told == [run.run_id] * 4, run.complete]))
            """,
            tmp_path,
        )
    )
    assert said == [True, True]


def test_what_a_tracked_block_starts_names_it_as_its_parent(tmp_path: Path) -> None:
    said = printed(
        script(
            """
            import json, subprocess, sys, wattbook
            with wattbook.track() as run:
                words = [sys.executable, "-m", "wattbook", "run", "-q", "--", "true"]
                subprocess.run(words, check=True)
            print(json.dumps(run.run_id))
            """,
            tmp_path,
        )
    )
    parents = {c.run.run_id: c.run.parent_id for c in contents(tmp_path) if c.run is not None}
    assert parents.pop(said) is None
    assert list(parents.values()) == [said]


def test_importing_the_name_loads_no_plugin_and_starts_no_thread() -> None:
    code = "import sys, threading; from wattbook import track; print('pluggy' in sys.modules, threading.active_count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]


# --- what this process caused ---------------------------------------------------------------------


def busy(seconds: float) -> None:
    until_s = time.process_time() + seconds
    while time.process_time() < until_s:
        pass


def test_a_block_can_book_what_its_process_caused(state: Path) -> None:
    with wattbook.track(attribute="process", strict=True) as run:
        busy(0.3)
    assert run.attributed is not None
    assert run.attributed["attribute"] == "process"
    assert run.energy_j == pytest.approx(run.attributed["process_j"])
    assert run.attributed["machine_j"] == pytest.approx(run.attributed["process_j"] + run.attributed["rest_j"])
    (content,) = contents(state)
    assert {e.attribution for e in content.entries if e.kind == "reading"} == {"process:used"}


def test_a_policy_that_there_is_not_is_told(state: Path) -> None:
    with (
        pytest.warns(RuntimeWarning, match="idle: it is one of used, reserved, none"),
        wattbook.track(idle="mine") as run,
    ):
        pass
    assert run.complete
    with pytest.raises(ValueError, match="attribute: it is one of machine, process"):
        wattbook.track(attribute="me", strict=True).start()


def test_two_stretches_of_one_process_at_one_time_are_not_counted_twice(state: Path) -> None:
    first = wattbook.track(attribute="process", project="a")
    second = wattbook.track(attribute="process", project="b")
    one = first.start()
    done: list[Any] = []

    def other() -> None:
        with second as run:
            busy(0.2)
        done.append(run)

    thread = threading.Thread(target=other)
    thread.start()
    busy(0.2)
    thread.join()
    first.stop()
    (two,) = done
    assert two.parent_id == one.run_id
    runs = {c.run.run_id: c.run for c in contents(state) if c.run is not None}
    entries = [e for c in contents(state) for e in c.entries if e.kind == "reading"]
    kept, _ = without_overlaps(entries, runs)
    assert one.energy_j is not None
    assert sum(e.energy_j or 0.0 for e in kept) <= one.energy_j * 1.05
