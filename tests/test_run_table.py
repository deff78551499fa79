"""``wattbook run -- CMD`` never gets in the way: every row of the acceptance table, against real processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import termios
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wattbook import spool
from wattbook.testing import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are POSIX")
WATTBOOK = [sys.executable, "-m", "wattbook"]
GRACE_S = 30.0  #: how long a loaded machine may take for what is a moment on a quiet one
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")


class Home:
    """A user's folders of his own, and the wrapper run in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("WATTBOOK_", "XDG_"))}
        self.env = {**keep, "HOME": str(folder), "WATTBOOK_STATE": str(self.state), "TZ": "Asia/Singapore"}
        self.env["WATTBOOK_LEDGER"] = str(folder / "book.db")

    def start(self, *words: str, options: tuple[str, ...] = (), **more: Any) -> subprocess.Popen[bytes]:
        streams = {name: more.pop(name, subprocess.PIPE) for name in ("stdin", "stdout", "stderr")}
        env = {**self.env, **more.pop("env", {})}
        return subprocess.Popen([*WATTBOOK, "run", *options, "--", *words], env=env, **streams, **more)

    def run(self, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        sent = more.pop("input", b"")
        with self.start(*words, **more) as process:
            out, err = process.communicate(sent, timeout=GRACE_S)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def spools(self) -> list[spool.SpoolContent]:
        return [spool.read(path) for path in spool.paths(str(self.state / "spool"))]

    def only(self) -> spool.SpoolContent:
        (content,) = self.spools()
        assert content.run is not None
        return content


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def child_of(process: subprocess.Popen[bytes]) -> int:
    """The command under the wrapper, once it runs."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(until(lambda: children.read_text().split(), "the command")[0])


#: a line of shell that waits for the first poll of its own run to be in the spool
POLLED = (
    'until grep -q \'"type":"poll"\' $WATTBOOK_STATE/spool/$WATTBOOK_RUN_ID.jsonl; do sleep 0.05; done 2>/dev/null; '
)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code))


# --- exit codes --------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2, 7, 126, 127, 128, 255])
def test_the_exit_code_is_the_childs(home: Home, code: int) -> None:
    assert home.run("sh", "-c", f"exit {code}").returncode == code
    run = home.only().run
    assert run is not None
    assert run.exit_code == code
    assert run.signal is None
    assert run.complete


def test_every_exit_code_is_left_with() -> None:
    code = """
        import os
        from wattbook.cli.child import Event, leave
        for code in range(256):
            pid = os.fork()
            if not pid:
                leave(Event("ended", 0.0, exit_code=code))
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
        """
    subprocess.run(python(code), check=True)


@pytest.mark.parametrize("name", ["no-such-command", "./no/such/path", ""])
def test_a_missing_command_is_127(home: Home, name: str) -> None:
    done = home.run(name)
    assert done.returncode == 127
    assert done.stderr.startswith(b"wattbook: there is no command")
    assert len(done.stderr.splitlines()) == 1
    assert home.spools() == []


def test_a_file_that_is_not_executable_is_126(home: Home, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("hello")
    done = home.run(str(tmp_path / "plain"))
    assert done.returncode == 126
    assert b"cannot be executed" in done.stderr
    assert home.run(str(tmp_path)).returncode == 126


def test_a_script_without_a_first_line_runs_as_in_a_shell(home: Home, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "got $1"; exit 5\n')
    script.chmod(0o755)
    done = home.run(str(script), "one word")
    assert (done.returncode, done.stdout) == (5, b"got one word\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--no-such-option",), b"No such option"),
        (("--interval", "0"), b"more than 0"),
        (("--interval", "-1"), b"more than 0"),
        (("--interval", "nan"), b"more than 0"),
        (("--interval", "soon"), b"not a valid float"),
        (("--phase", "lunch"), b"dev"),
        (("--project", "a\nb"), b"printable"),
        (("--project", "a\x1b[31m"), b"printable"),
        (("--project", " "), b"printable"),
        (("--tag", "no-equals-sign"), b"KEY=VALUE"),
        (("--tag", "k=a\nb"), b"printable"),
        (("--ledger", "mysql://somewhere/book"), b"no kind of book"),
        (("--config", "/no/such/file.toml"), b"there is no file"),
    ],
)
def test_a_bad_option_of_ours_is_2_and_starts_nothing(
    home: Home, tmp_path: Path, options: tuple[str, ...], says: bytes
) -> None:
    done = home.run("touch", str(tmp_path / "started"), options=options)
    assert done.returncode == 2
    assert says in done.stderr
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "started").exists()
    assert home.spools() == []


@pytest.mark.parametrize("words", [[], ["python", "train.py"], ["--"]])
def test_forgotten_dashes_are_2_and_say_where_they_go(home: Home, words: list[str]) -> None:
    done = subprocess.run([*WATTBOOK, "run", *words], env=home.env, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Put '--' before the command" in done.stderr


# --- death by signal ---------------------------------------------------------------------------

DEADLY = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
          "TERM", "VTALRM", "PROF", "XCPU", "XFSZ", "SYS"]  # fmt: skip


@pytest.mark.parametrize("name", DEADLY)
def test_a_child_that_dies_of_a_signal_is_followed(home: Home, name: str) -> None:
    number = signal.Signals[f"SIG{name}"]
    done = home.run("sh", "-c", f"ulimit -c 0; kill -{name} $$")
    assert done.returncode == -number
    run = home.only().run
    assert run is not None
    assert (run.signal, run.exit_code, run.complete) == (f"SIG{name}", None, True)


def test_the_shell_reports_139_for_a_crash(home: Home) -> None:
    inner = f"{sys.executable} -m wattbook run -q -- sh -c 'ulimit -c 0; kill -SEGV $$'; echo $?"
    done = subprocess.run(["sh", "-c", inner], env=home.env, capture_output=True, check=False)
    assert done.stdout.split()[-1] == b"139"


def test_a_crash_leaves_no_core_of_ours(home: Home, tmp_path: Path) -> None:
    def allow_cores() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    home.run("sh", "-c", "ulimit -c 0; kill -SEGV $$", cwd=tmp_path, preexec_fn=allow_cores)
    assert not list(tmp_path.glob("core*"))


# --- signals to the wrapper --------------------------------------------------------------------


@LINUX
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM])
def test_a_deadly_signal_to_the_wrapper_reaches_the_child_and_both_die_of_it(home: Home, number: int) -> None:
    with home.start("sleep", "60") as process:
        child = child_of(process)
        process.send_signal(number)
        process.communicate(timeout=GRACE_S)
    assert process.returncode == -number
    assert not alive(child)
    run = home.only().run
    assert run is not None
    assert run.complete
    assert run.signal == signal.Signals(number).name


@LINUX
def test_a_child_that_handles_sigterm_keeps_its_exit_code(home: Home) -> None:
    with home.start("sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        out, _ = process.communicate(timeout=GRACE_S)
    assert (process.returncode, out) == (3, b"bye\n")


@LINUX
def test_a_child_that_ignores_signals_is_waited_for(home: Home) -> None:
    with home.start("sh", "-c", "trap '' TERM HUP; echo ready; sleep 0.7; echo done") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=GRACE_S)
    assert (process.returncode, out) == (0, b"done\n")


@pytest.mark.parametrize("name", ["USR1", "USR2", "WINCH", "QUIT"])
def test_other_signals_are_passed_on(home: Home, name: str) -> None:
    code = f"""
        import os, signal, time
        def handler(number, frame):  # it may come while "ready" is still being printed, and print is not to be entered twice
            os.write(1, signal.Signals(number).name.encode() + b"\\n")
            os._exit(4)
        signal.signal(signal.SIG{name}, handler)
        print("ready", flush=True)
        time.sleep(60)
        """
    with home.start(*python(code), start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.Signals[f"SIG{name}"])
        out, _ = process.communicate(timeout=GRACE_S)
    assert (process.returncode, out) == (4, f"SIG{name}\n".encode())


def test_an_ignored_sighup_stays_ignored(home: Home) -> None:
    """As under nohup."""
    code = "import signal; print(signal.getsignal(signal.SIGHUP).name)"
    done = home.run(*python(code), preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert done.stdout == b"SIG_IGN\n"


@LINUX
def test_the_child_finds_the_signals_as_they_were(home: Home) -> None:
    """But for 32 and 33, which glibc keeps to itself and sets anew where it needs them."""
    words = ("grep", "-E", "^Sig(Ign|Blk|Cgt)", "/proc/self/status")

    def masks(text: bytes) -> dict[str, int]:
        return {
            name: int(mask, 16) & ~(3 << 31) for name, mask in (line.split() for line in text.decode().splitlines())
        }

    bare = subprocess.run(words, capture_output=True, check=True)
    assert masks(home.run(*words).stdout) == masks(bare.stdout)


def test_an_ignored_sigchld_loses_no_exit_code(home: Home) -> None:
    done = home.run("sh", "-c", "exit 9", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 9


# --- a terminal --------------------------------------------------------------------------------


class Terminal:
    """A pseudo-terminal with a session whose leader runs one job in the foreground, as a shell does."""

    LEADER = """
        import json, os, signal, sys, time
        words = json.loads(sys.argv[1])
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        pid = os.fork()
        if not pid:
            os.setpgid(0, 0)
            os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.execvp(words[0], words)
        while True:
            _, status = os.waitpid(pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                break
            os.write(3, f"stopped {os.WSTOPSIG(status)}\\n".encode())
            os.read(4, 1)
            os.tcsetpgrp(0, pid)
            os.killpg(pid, signal.SIGCONT)
        os.write(3, f"ended {os.waitstatus_to_exitcode(status)}\\n".encode())
        """

    def __init__(self, words: list[str], env: dict[str, str]) -> None:
        self.master, slave = pty.openpty()
        news, reports = os.pipe()
        orders, self.orders = os.pipe()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            os.dup2(reports, 3)
            os.dup2(orders, 4)

        self.process = subprocess.Popen(
            [*python(self.LEADER), json.dumps(words)],
            stdin=slave, stdout=slave, stderr=slave, env=env, close_fds=False, preexec_fn=take_terminal,
        )  # fmt: skip
        for fd in (slave, reports, orders):
            os.close(fd)
        self.news = os.fdopen(news, "rb")
        self.output = b""

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def go_on(self) -> None:
        os.write(self.orders, b"g")

    def read_until(self, text: bytes) -> bytes:
        deadline = time.monotonic() + GRACE_S
        while text not in self.output and time.monotonic() < deadline:
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                with contextlib.suppress(OSError):
                    self.output += os.read(self.master, 65536)
        assert text in self.output, self.output
        return self.output

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.news.close()
        os.close(self.master)
        os.close(self.orders)


@pytest.fixture
def terminal(home: Home) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*words: str, options: tuple[str, ...] = ()) -> Terminal:
        opened.append(Terminal([*WATTBOOK, "run", *options, "--", *words], home.env))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_a_terminal_is_passed_through(terminal: Callable[..., Terminal]) -> None:
    code = "import os, sys; print([os.isatty(n) for n in (0, 1, 2)], flush=True)"
    assert b"[True, True, True]" in terminal(*python(code)).read_until(b"]\r\n")


def test_ctrl_c_reaches_the_child_exactly_once(terminal: Callable[..., Terminal], home: Home) -> None:
    code = """
        import signal, sys, time
        count = 0
        def handler(number, frame):
            global count
            count += 1
        signal.signal(signal.SIGINT, handler)
        print("ready", flush=True)
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            time.sleep(0.05)
        print("interrupted", count, "times", flush=True)
        sys.exit(6)
        """
    one = terminal(*python(code))
    one.read_until(b"ready")
    one.press(b"\x03")
    assert b"interrupted 1 " in one.read_until(b" times")
    assert one.news.readline() == b"ended 6\n"
    assert home.only().complete


def test_ctrl_c_ends_both_and_the_row_is_saved(terminal: Callable[..., Terminal], home: Home) -> None:
    one = terminal("sh", "-c", "echo ready; exec sleep 60")
    one.read_until(b"ready")
    one.press(b"\x03")
    assert one.news.readline() == b"ended -2\n"  # a shell says 130
    run = home.only().run
    assert run is not None
    assert (run.signal, run.complete) == ("SIGINT", True)


@LINUX
def test_ctrl_z_stops_both_and_the_time_is_not_counted(
    terminal: Callable[..., Terminal], home: Home, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    # one process that starts no other: a shell that is stopped between fork and exec of a child waits for it
    # in the kernel and never counts as stopped
    program = "import os, time; print('pid', os.getpid(), 'ready', flush=True); time.sleep(0.5); print('through')"
    words = ("sh", "-c", POLLED + f'exec "{sys.executable}" -c "{program}"')
    one = terminal(*words, options=("-o", str(out)))
    child = int(one.read_until(b"ready").split(b"pid ")[1].split()[0])
    one.press(b"\x1a")
    assert one.news.readline() == b"stopped 20\n"
    assert state_of(child) == "T"
    time.sleep(1.5)
    one.go_on()
    one.read_until(b"through")
    assert one.news.readline() == b"ended 0\n"
    doc = json.loads(out.read_text())
    assert 1.4 < doc["suspended_s"] < doc["duration_s"]
    counted = {(e.start, e.end) for e in home.only().entries if e.kind == "reading"}
    assert len(counted) == 2, "one stretch before and one after"
    assert any("stood still" in warning for warning in doc["warnings"])


@LINUX
def test_sigtstp_to_the_wrapper_alone_stops_the_child_too_and_sigcont_continues_it(home: Home) -> None:
    with home.start("sleep", "1", preexec_fn=os.setpgrp) as process:
        child = child_of(process)
        process.send_signal(signal.SIGTSTP)
        until(lambda: state_of(child) == "T" and state_of(process.pid) == "T", "both to stop")
        process.send_signal(signal.SIGCONT)
        until(lambda: state_of(child) != "T", "the child to go on")
        process.communicate(timeout=GRACE_S)
    assert process.returncode == 0


@LINUX
def test_a_child_that_goes_on_and_ends_while_the_wrapper_stands_still_keeps_its_exit_code(home: Home) -> None:
    with home.start("sh", "-c", "kill -TSTP $$; exit 3", preexec_fn=os.setpgrp) as process:
        child = child_of(process)
        until(lambda: state_of(child) == "T" and state_of(process.pid) == "T", "both to stop")
        os.kill(child, signal.SIGCONT)
        until(lambda: state_of(child) == "Z", "the child to end")
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=GRACE_S)
    assert (process.returncode, b"Traceback" in said) == (3, False)


@LINUX
def test_a_child_stopped_and_continued_by_somebody_else_is_waited_for(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with home.start("sleep", "0.5", options=("-o", str(out))) as process:
        child = child_of(process)
        os.kill(child, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(child, signal.SIGCONT)
        process.communicate(timeout=GRACE_S)
    assert process.returncode == 0
    assert json.loads(out.read_text())["suspended_s"] > 0.9


# --- streams -----------------------------------------------------------------------------------


def test_piped_bytes_are_identical(home: Home) -> None:
    data = os.urandom(1 << 20)
    done = home.run("cat", input=data)
    assert done.stdout == data
    assert done.returncode == 0


def test_stderr_of_the_child_comes_first_then_one_blank_line_then_ours(home: Home) -> None:
    done = home.run("sh", "-c", "echo out; echo err >&2")
    assert done.stdout == b"out\n"
    first, blank, *ours = done.stderr.decode().splitlines()
    assert (first, blank) == ("err", "")
    assert ours[0].startswith("wattbook  ")
    assert 1 <= len(ours) <= 6
    assert done.stderr.isascii()


def test_quiet_says_nothing(home: Home) -> None:
    done = home.run("true", options=("--quiet",))
    assert (done.stdout, done.stderr) == (b"", b"")
    assert home.only().complete


def test_a_closed_stdin_stays_closed(home: Home) -> None:
    inner = f"exec {sys.executable} -m wattbook run -q -- {sys.executable} -c 'import os; os.fstat(0)' <&-"
    done = subprocess.run(["sh", "-c", inner], env=home.env, capture_output=True, check=False)
    assert b"Bad file descriptor" in done.stderr


@pytest.mark.parametrize("closed", ["2>&-", "1>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"])
def test_closed_output_harms_nobody(home: Home, closed: str) -> None:
    inner = f"exec {sys.executable} -m wattbook run --json -- sh -c 'exit 5' {closed}"
    done = subprocess.run(["sh", "-c", inner], env=home.env, capture_output=True, check=False)
    assert done.returncode == 5
    assert b"Traceback" not in done.stderr
    assert home.only().complete


def test_stdout_closed_early_gives_no_traceback(home: Home) -> None:
    inner = f"{sys.executable} -m wattbook run --json -- yes | head -1"
    done = subprocess.run(["sh", "-c", inner], env=home.env, capture_output=True, check=False)
    assert done.stdout == b"y\n"
    assert b"Traceback" not in done.stderr
    run = home.only().run
    assert run is not None
    assert run.signal == "SIGPIPE" or run.exit_code == 1


def test_other_open_files_are_inherited(home: Home, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as stream:
        fd = stream.fileno()
        home.run(*python(f"import os; os.write({fd}, b'hello')"), pass_fds=(fd,))
    assert (tmp_path / "file").read_text() == "hello"


def test_a_child_that_outlives_its_parent_is_not_waited_for(home: Home) -> None:
    with home.start("sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!") as process:
        out, _ = process.communicate(timeout=GRACE_S)
    os.kill(int(out), signal.SIGKILL)
    assert process.returncode == 0


# --- the document ------------------------------------------------------------------------------


def test_the_document_goes_to_the_file_and_stdout_stays_the_childs(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = home.run("echo", "hi", options=("--json", "-o", str(out), "--project", "ner", "--phase", "train"))
    assert done.stdout == b"hi\n"
    doc = json.loads(out.read_text())
    assert doc["command"] == ["echo", "hi"]
    assert doc["exit_code"] == 0
    run = home.only().run
    assert run is not None
    assert doc["run_id"] == run.run_id
    assert (run.labels.project, run.labels.phase) == ("ner", "train")


def test_without_a_file_the_document_follows_the_childs_output(home: Home) -> None:
    done = home.run("echo", "hi", options=("--json", "-q"))
    first, _, rest = done.stdout.partition(b"\n")
    assert first == b"hi"
    assert json.loads(rest)["exit_code"] == 0


def test_an_unwritable_file_costs_the_child_nothing(home: Home, tmp_path: Path) -> None:
    done = home.run("sh", "-c", "exit 7", options=("-q", "-o", str(tmp_path / "no" / "such" / "folder.json")))
    assert done.returncode == 7
    assert b"cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert home.only().complete


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_under_the_file_costs_the_child_nothing(home: Home) -> None:
    done = home.run("sh", "-c", "exit 7", options=("-q", "-o", "/dev/full"))
    assert done.returncode == 7
    assert b"No space left on device" in done.stderr


# --- plugins that misbehave --------------------------------------------------------------------


def a_plugin(home: Home, code: str) -> None:
    """Install a plugin named ``strange`` for the wrapper."""
    folder = home.folder / "site"
    info = folder / "strange-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "strange.py").write_text(textwrap.dedent(code))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wattbook]\nstrange = strange\n")
    home.env["PYTHONPATH"] = str(folder)


STRANGE = {
    "cannot be imported": "raise RuntimeError('no luck')",
    "leaves while importing": "raise SystemExit(3)",
    "raises when asked": """
        import wattbook
        @wattbook.hookimpl
        def measure(host, config):
            raise RuntimeError('no luck')
        """,
    "hangs when asked": """
        import time, wattbook
        @wattbook.hookimpl
        def measure(host, config):
            time.sleep(1000)
        """,
    "hangs in its probe": """
        import time, wattbook
        @wattbook.hookimpl
        def measure(host, config):
            yield wattbook.Meter(name="m", domains=(wattbook.Domain(device="machine", name="wall"),),
                                 probe=lambda: time.sleep(1000), open=None)
        """,
    "raises when opened": """
        import wattbook
        @wattbook.hookimpl
        def measure(host, config):
            yield wattbook.Meter(name="m", domains=(wattbook.Domain(device="machine", name="wall"),),
                                 probe=lambda: None, open=lambda: 1 / 0)
        """,
    "hangs when read": """
        import contextlib, time, wattbook
        class Session:
            def read(self):
                time.sleep(1000)
        @wattbook.hookimpl
        def measure(host, config):
            yield wattbook.Meter(name="m", domains=(wattbook.Domain(device="machine", name="wall"),),
                                 probe=lambda: None, open=lambda: contextlib.nullcontext(Session()))
        """,
    "writes to stdout and stderr": """
        import sys
        print("look at me")
        raise ImportError('no luck')
        """,
}


@pytest.mark.parametrize("fault", STRANGE)
def test_a_strange_plugin_harms_nobody_and_is_named(home: Home, fault: str, tmp_path: Path) -> None:
    a_plugin(home, STRANGE[fault])
    out = tmp_path / "out.json"
    done = home.run("sh", "-c", POLLED + "sleep 0.2; echo hi; exit 7", options=("-o", str(out)))
    assert done.returncode == 7
    assert done.stdout.endswith(b"hi\n")
    assert b"Traceback" not in done.stderr
    doc = json.loads(out.read_text())
    told = [*doc["warnings"], *(gap["reason"] for gap in doc["gaps"])]
    assert any("strange" in sentence for sentence in told), told
    assert home.only().complete


METER = """
    import contextlib, time, wattbook
    WALL = wattbook.Domain(device="machine", name="wall")
    INSIDE = wattbook.Domain(device="gpu:0", name="board", within="machine/wall")
    class Session:
        def read(self):
            now = time.monotonic()
            yield wattbook.Sample(at_s=now, domain=WALL, energy_j=100 * now)
            yield wattbook.Sample(at_s=now, domain=INSIDE, energy_j=40 * now)
    @wattbook.hookimpl
    def measure(host, config):
        yield wattbook.Meter(name="strip", domains=(WALL, INSIDE), error=0.01, probe=lambda: None,
                             open=lambda: contextlib.nullcontext(Session()))
    """


def test_with_a_meter_the_run_is_measured_and_nothing_is_added_twice(home: Home, tmp_path: Path) -> None:
    a_plugin(home, METER)
    out = tmp_path / "out.json"
    home.run("sh", "-c", POLLED + "sleep 1", options=("-o", str(out)))
    doc = json.loads(out.read_text())
    readings = {f"{r['device']}/{r['domain']}": r for r in doc["readings"]}
    assert readings["machine/wall"]["basis"] == "measured"
    assert readings["machine/wall"]["outermost"]
    assert not readings["gpu:0/board"]["outermost"]
    assert doc["energy_j"] == pytest.approx(100 * doc["duration_s"], rel=1e-3)
    assert doc["by_basis_j"] == {"measured": pytest.approx(doc["energy_j"]), "estimated": None}
    assert doc["energy_low_j"] < doc["energy_j"] < doc["energy_high_j"]


# --- a book that cannot be written -------------------------------------------------------------


@pytest.mark.parametrize("state", ["/dev/null/state", "relative/folder"])
def test_without_a_place_for_the_spool_the_child_is_unaffected(home: Home, state: str) -> None:
    home.env["WATTBOOK_STATE"] = state
    done = home.run("sh", "-c", "echo hi; exit 7", options=("-q",))
    assert (done.returncode, done.stdout) == (7, b"hi\n")
    assert done.stderr.count(b"not recorded") == 1
    assert len(done.stderr.splitlines()) == 1


def test_without_a_home_folder_the_child_is_unaffected(home: Home) -> None:
    del home.env["WATTBOOK_STATE"]
    home.env["HOME"] = "/dev/null"
    done = home.run("sh", "-c", "exit 7", options=("-q",))
    assert done.returncode == 7
    assert done.stderr.count(b"not recorded") == 1


def test_a_read_only_home_costs_one_sentence(home: Home, tmp_path: Path) -> None:
    home.state.mkdir()
    home.state.chmod(0o555)
    if os.geteuid() == 0:
        os.chmod(tmp_path, 0o755)
        nobody: dict[str, Any] = {"user": 65534, "group": 65534}
        try:
            tried = ["sh", "-c", f"cd {tmp_path} && {sys.executable} -m wattbook --version"]
            subprocess.run(tried, capture_output=True, check=True, env=home.env, **nobody)
        except (PermissionError, subprocess.CalledProcessError):
            pytest.skip("nobody may not look into this installation or this folder")
    else:
        nobody = {}
    done = home.run("sh", "-c", "exit 7", options=("-q",), **nobody)
    home.state.chmod(0o755)
    assert done.returncode == 7
    assert b"Permission denied" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_full_disk_costs_one_sentence(home: Home) -> None:
    """A limit of the file size makes every write fail as a full disk does."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    done = home.run("sh", "-c", "sleep 0.3; exit 7", options=("-q",), preexec_fn=limit)
    assert done.returncode == 7
    assert b"not recorded" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (content,) = home.spools()
    assert not content.damaged, "what was recorded before stays readable"


def test_a_broken_configuration_costs_a_warning(home: Home, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[site]\nzonne = 'SG'\n")
    out = tmp_path / "out.json"
    done = home.run("sh", "-c", "exit 7", options=("--config", str(tmp_path / "bad.toml"), "-o", str(out)))
    assert done.returncode == 7
    assert any("zonne" in warning for warning in json.loads(out.read_text())["warnings"])
    assert home.only().complete


# --- kill -9, runs inside runs, runs beside runs -----------------------------------------------


@LINUX
def test_kill_9_costs_no_more_than_one_interval(home: Home) -> None:
    with home.start("sleep", "60", options=("--interval", "0.2")) as process:
        child = child_of(process)

        def polls() -> bool:
            return any(content.entries and content.run for content in home.spools())

        until(polls, "the first poll")
        time.sleep(1.0)
        process.kill()
        killed = time.time()
        process.wait()
        os.kill(child, signal.SIGKILL)
        process.communicate()
    (path,) = spool.paths(str(home.state / "spool"))
    assert not spool.is_live(path)
    content = home.only()
    assert content.run is not None
    assert not content.run.complete
    assert not content.damaged
    from wattbook.records import utc_time

    assert killed - utc_time(content.run.end).timestamp() < 5.0  # seconds, on a machine that is busy
    assert sum(e.energy_j or 0 for e in content.entries if e.outermost) > 0


def test_the_child_sees_its_run(home: Home) -> None:
    done = home.run("sh", "-c", "echo $WATTBOOK_RUN_ID")
    run = home.only().run
    assert run is not None
    assert done.stdout.decode().strip() == run.run_id


def reported_j(home: Home) -> float:
    """What the book counts in all, after the spools are folded in."""
    month = time.strftime("%Y-%m", time.gmtime())
    words = [*WATTBOOK, "report", "--json", "--month", month]
    done = subprocess.run(words, env=home.env, capture_output=True, check=True)
    return float(json.loads(done.stdout)["total"]["energy_j"])


def energy_j(content: spool.SpoolContent) -> float:
    return sum(e.energy_j or 0.0 for e in content.entries if e.outermost)


def by_start(contents: list[spool.SpoolContent]) -> list[spool.SpoolContent]:
    return sorted(contents, key=lambda content: content.run.start if content.run else "")


def test_a_run_inside_a_run_names_its_parent_and_is_not_added_twice(home: Home) -> None:
    a_plugin(home, METER)
    home.run(*WATTBOOK, "run", "-q", "--project", "inner", "--", "sh", "-c", POLLED + "sleep 1")
    outer, inner = by_start(home.spools())
    assert outer.run is not None
    assert inner.run is not None
    assert (inner.run.parent_id, outer.run.parent_id) == (outer.run.run_id, None)
    assert {e.labels.project for e in inner.entries} == {"inner"}
    assert {e.basis for e in inner.entries if e.kind == "reading"} == {"measured"}
    assert reported_j(home) == pytest.approx(energy_j(outer), rel=0.01)


def test_two_runs_at_once_count_the_machine_once(home: Home) -> None:
    a_plugin(home, METER)
    with home.start("sh", "-c", POLLED + "sleep 1.5") as first:
        until(home.spools, "the first run's spool")
        with home.start("sh", "-c", POLLED + "sleep 1.5") as second:
            second.communicate(timeout=GRACE_S)
        first.communicate(timeout=GRACE_S)
    one, two = by_start(home.spools())
    assert one.run is not None
    assert two.run is not None
    from wattbook.records import utc_time

    together_s = (utc_time(two.run.end) - utc_time(one.run.start)).total_seconds()
    assert energy_j(one) + energy_j(two) > 1.2 * 100 * together_s
    assert reported_j(home) == pytest.approx(100 * together_s, rel=0.02)


def test_a_hundred_runs_at_once_lose_no_row(home: Home) -> None:
    processes = [home.start("true", options=("-q",)) for _ in range(100)]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
    contents = home.spools()
    assert len(contents) == 100
    assert all(content.complete and content.entries for content in contents)


# --- what a run costs and counts ---------------------------------------------------------------

HEAVY = ("sqlalchemy", "cattrs", "rich", "psutil", "pynvml", "pyarrow")


def test_nothing_heavy_is_imported_before_the_child_starts(home: Home) -> None:
    code = """
        import os, sys
        def spawn(*args, **more):
            print(sorted({name.partition(".")[0] for name in sys.modules}))
            sys.stdout.flush()
            os._exit(0)
        os.posix_spawnp = spawn
        from wattbook.cli import entry
        entry(["run", "--", "true"])
        """
    done = subprocess.run(python(code), env=home.env, capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert not loaded & {*HEAVY, "attr", "attrs", "pluggy", "platformdirs", "hashlib"}


def test_what_measures_is_not_loaded_for_a_command_that_is_over_at_once(home: Home) -> None:
    code = """
        import sys, time
        from wattbook.cli import entry, running
        observe, leave = running._observe, running.leave
        def late(order, events, box):
            while not events.ended:
                time.sleep(0.001)
            observe(order, events, box)
        def last(event):
            print([name for name in ("wattbook.metering", "wattbook.polling", "wattbook_tdp") if name in sys.modules])
            leave(event)
        running._observe, running.leave = late, last
        entry(["run", "-q", "--", "true"])
        """
    done = subprocess.run(python(code), env=home.env, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.replace("'", '"'))
    assert not {"wattbook.metering", "wattbook.polling"} & set(loaded)
    (content,) = home.spools()
    assert content.complete


def test_what_the_command_line_knows_without_loading_is_what_the_rest_knows() -> None:
    from wattbook import config
    from wattbook.cli.run_words import BOOKS, MODES, PHASES, POLICIES
    from wattbook.ledger.connect import ENGINES
    from wattbook.model import Phase

    assert (MODES, POLICIES) == (config.MODES, config.POLICIES)
    assert tuple(map(str, Phase)) == PHASES
    assert set(ENGINES) == set(BOOKS)


def test_a_run_never_imports_the_database(home: Home) -> None:
    words = [sys.executable, "-X", "importtime", "-m", "wattbook", "run", "--", "sleep", "0.3"]
    done = subprocess.run(words, env=home.env, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "wattbook" in loaded
    assert not loaded & {"sqlalchemy", "cattrs", "rich"}


def test_the_processor_time_of_short_lived_children_counts(home: Home, tmp_path: Path) -> None:
    code = """
        import resource, subprocess, sys
        for _ in range(8):
            subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(usage.ru_utime + usage.ru_stime)
        """
    out = tmp_path / "out.json"
    done = home.run(*python(code), options=("-o", str(out)))
    doc = json.loads(out.read_text())
    assert doc["process_cpu_s"] >= float(done.stdout)
    assert 0 < doc["process_share"] <= 1


def test_an_estimate_is_an_interval_and_what_it_leaves_out_is_named(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    home.run(*python("sum(range(20_000_000))"), options=("-o", str(out)))
    doc = json.loads(out.read_text())
    if not any(r["basis"] == "estimated" for r in doc["readings"]):
        pytest.skip("everything is measured here, or no estimator is installed")
    assert doc["energy_low_j"] < doc["energy_j"] < doc["energy_high_j"]
    assert doc["co2e_low_g"] < doc["co2e_g"] < doc["co2e_high_g"]
    assert doc["gaps"]
    assert all(gap["reason"] for gap in doc["gaps"])
    assert doc["factor"]["zone"] == "SG"
    assert doc["factor"]["assumed"] is True
