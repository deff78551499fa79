"""Every row of the captures' index, through all plugins: its numbers, or the right refusal."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from attrs import field, frozen
from wattbook.cloud import Fetcher
from wattbook.errors import ImportFailed
from wattbook.importing import Imported, choose, open_all, read
from wattbook.model import Importer, ImportSource, Recording
from wattbook.plugins import Plugins, installed

FOLDER = Path(os.environ.get("WATTBOOK_CAPTURES") or "captures-not-named")
SKIP = pytest.mark.skipif(
    "WATTBOOK_CAPTURES" not in os.environ, reason="WATTBOOK_CAPTURES does not name the folder of recorded outputs"
)
MEAN, ENERGY = 1e-4, 1e-6  #: relative, beside the rounding of what is printed


def rows() -> list[dict[str, str]]:
    if "WATTBOOK_CAPTURES" not in os.environ:
        return []
    with (FOLDER / "INDEX.tsv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


ROWS = [pytest.param(row, id=row["file"]) for row in rows()] or [pytest.param({}, marks=SKIP)]


# --- what the index says -----------------------------------------------------------------------


@frozen(kw_only=True)
class Figure:
    """A number as it is printed: the last digit may be rounded."""

    value: float
    half_digit: float = 0.0

    @classmethod
    def of(cls, text: str, scale: float = 1.0) -> Figure:
        digits = text.partition(".")[2]
        return cls(value=float(text) * scale, half_digit=0.5 * 10.0 ** -len(digits) * scale if digits else 0.0)

    def times(self, other: float) -> Figure:
        return Figure(value=self.value * other, half_digit=self.half_digit * other)

    def near(self, found: float, relative: float) -> bool:
        return abs(found - self.value) <= self.half_digit * 1.001 + relative * abs(self.value) + 1e-12


@frozen(kw_only=True)
class Expected:
    """The numbers of one row; ``energy_j`` is ``None`` where the index says nothing about energy."""

    mean_w: dict[str, Figure]
    total_of: tuple[str, ...]  #: the outermost domains
    energy_j: dict[str, Figure] | None = None
    duration_s: float | None = None
    samples: int | None = None
    absent: set[str] = field(factory=set)  #: columns of zeros are no measurement


REFUSED = re.compile(
    r"must raise|no power|no energy keys|no samples|none in the fragment|refuse|headers=0|NO POWER"
    r"|pmon: per-process|see the ngesplit_ files|REFUSE"
)
COLUMNS = {"PkgWatt": "package", "CorWatt": "core", "GFXWatt": "gfx", "RAMWatt": "dram", "SysWatt": "platform"}
POWERMETRICS = {
    "CPU": "cpu", "Clusters Total": "cpu", "GPU": "gpu", "ANE": "ane", "DRAM": "dram", "Package": "package",
    "Combined": "soc", "IntelPkgW": "package", "cpu_power": "cpu", "gpu_power": "gpu", "ane_power": "ane",
    "combined_power": "soc",
}  # fmt: skip


def exact(**watts: float) -> dict[str, Figure]:
    return {name: Figure(value=value) for name, value in watts.items()}


def turbostat_joules(seconds: float, samples: int = 1, **joules: float) -> Expected:
    """A recording that prints joules: their sum is the energy, and the mean is that over the time."""
    outermost = tuple(name for name in ("package", "dram") if name in joules)
    mean_w = {name: Figure(value=j / seconds) for name, j in joules.items()}
    return Expected(mean_w=mean_w, energy_j=exact(**joules), total_of=outermost, samples=samples)


#: Where the index speaks prose that no pattern below reads: the numbers, and how they follow from it.
#: ``None`` is a refusal.
PROSE: dict[str, Expected | None] = {
    "k80x4_dmon_cut_by_gpu_fall.txt": Expected(  # the means of four GPUs, each over its own samples
        mean_w=exact(board=73.0 + 253 / 3 + 91.0 + 263 / 3), total_of=("board",)
    ),
    "turing_q_power_samples.txt": None,  # statistics of the driver's buffer ("is not the reading", reference 3)
    "gb10_dgxspark_580.126.09_table.txt": Expected(mean_w=exact(board=3.0), total_of=("board",)),
    "matias_gpu_power.plist": Expected(mean_w=exact(gpu=9e-3 / 5.005449083), energy_j=exact(gpu=9e-3), total_of=("gpu",)),
    "randomfoo_mba61_mavericks_2013_fragment.txt": Expected(mean_w=exact(package=0.58), total_of=("package",)),
    "aws_c4.8xlarge_2014_old-format_1.stderr.txt": Expected(
        mean_w=exact(package=94.04, dram=32.70),
        energy_j=exact(package=94.04 * 10.002556, dram=32.70 * 10.002556),
        total_of=("package", "dram"), duration_s=10.002556, samples=1,
    ),
    "aws_c4.8xlarge_2014_old-format_2.stderr.txt": Expected(
        mean_w=exact(package=228.59, dram=31.33), total_of=("package", "dram"), samples=1
    ),
    "codecarbon_docs_amd_corwatt_pkgwatt.txt": Expected(
        mean_w=exact(package=169.82, core=133.13), total_of=("package",), samples=1
    ),
    # RAM as printed is impossible (the unit of old versions); what is left is the package
    "lkml_troll4_optane_20.09.30_joules.stderr.txt": turbostat_joules(5.011506, package=459.78),
    "lkml_troll4_optane_21.05.04_joules.stderr.txt": turbostat_joules(5.014223, package=457.55, dram=335.42),
    "lkml_xeon_joules_78s_onesshot.stderr.txt": turbostat_joules(78.062895, package=4747.52, dram=2509.05),
}  # fmt: skip
#: ``emul_*_skl_joules_S_tod``: the printed joules of three rows, and 1.5 times the time of the last two
JOULES = {
    "20.09.30": (126.06, 2.000820), "2022.10.04": (126.06, 2.000904),
    "2024.07.26": (126.05, 2.000781), "2026.04.21": (126.04, 2.000711),
}  # fmt: skip


def expected(row: dict[str, str]) -> Expected | None:
    """The numbers of a row, ``None`` where it is to be refused; fails where the row cannot be read."""
    name, text = Path(row["file"]).name, row["expected_numbers"]
    if name in PROSE:
        return PROSE[name]
    if "joules_S_tod" in name:
        joules, last_two_s = JOULES[name.split("_")[1]]
        return turbostat_joules(last_two_s * 1.5, 3, package=joules, core=10.50, gfx=3.00, dram=15.00)
    readers: dict[str, Callable[[str], Expected | None]] = {
        "turbostat": of_turbostat, "powermetrics": of_powermetrics, "nvidia_smi": of_nvidia_smi,
    }  # fmt: skip
    found = None if re.search(r"must REFUSE|refuse", text) else readers[row["instrument"]](text)
    if found is None:
        assert REFUSED.search(f"{text} {row['odd']}"), f"{name}: no expectation can be read from {text!r}"
    return found


def of_turbostat(text: str) -> Expected | None:
    columns = re.findall(r"(\w+Watt): n=(\d+) mean=([\d.]+)", text)
    if not columns:
        return None
    mean_w = {COLUMNS[name]: Figure.of(mean) for name, _, mean in columns}
    zeros = {name for name, figure in mean_w.items() if figure.value == 0}
    mean_w = {name: figure for name, figure in mean_w.items() if name not in zeros}
    energy_j, duration_s = None, None
    if shown := re.search(r'duration="([\d.]+) sec"', text):
        duration_s = float(shown[1])
        energy_j = {name: Figure(value=figure.value * duration_s) for name, figure in mean_w.items()}
    if shown := re.search(r"interval mean=[\d.]+s total=([\d.]+)s", text):
        duration_s = float(shown[1])
    if shown := re.search(r"energy after 1st row=.*=([\d.]+)J", text):
        energy_j = {"package": Figure.of(shown[1])}
    outermost = ("platform",) if "platform" in mean_w else ("package", "dram")
    return Expected(
        mean_w=mean_w, energy_j=energy_j, duration_s=duration_s, samples=int(columns[0][1]), absent=zeros,
        total_of=tuple(name for name in outermost if name in mean_w),
    )  # fmt: skip


def of_powermetrics(text: str) -> Expected | None:
    mean_w: dict[str, Figure] = {}
    energy_j: dict[str, Figure] = {}
    for part in text.partition("SUMMARY")[0].split(";"):
        if several := re.match(r" *(.+?): n=\d+ mean=\S+ timeweighted=([\d.]+)mW energy=([\d.]+)J", part):
            if name := POWERMETRICS.get(several[1]):
                mean_w[name], energy_j[name] = Figure.of(several[2], 1e-3), Figure.of(several[3])
        elif (single := re.match(r" *(.+?)=([\d.]+)(mW|W)?$", part)) and (name := POWERMETRICS.get(single[1])):
            mean_w[name] = Figure.of(single[2], 1.0 if single[3] == "W" else 1e-3)
    if not mean_w:
        return None
    length = re.search(r"elapsed_ms .*?sum=([\d.]+)", text)
    elapsed_ns = re.search(r"elapsed_ns=(\d+)", text)
    samples = re.search(r"samples=(\d+)|plists=(\d+)", text)
    duration_s = float(length[1]) / 1e3 if length else float(elapsed_ns[1]) / 1e9 if elapsed_ns else None
    if not energy_j and duration_s is not None:
        energy_j = {name: figure.times(duration_s) for name, figure in mean_w.items()}
    return Expected(
        mean_w=mean_w, energy_j=energy_j or None, duration_s=duration_s,
        samples=int(samples[1] or samples[2]) if samples else None,
        total_of=(next(name for name in ("package", "soc", "gpu") if name in mean_w),),
    )  # fmt: skip


def of_nvidia_smi(text: str) -> Expected | None:
    if text.startswith("gpus="):
        gpus = [one for one in map(of_one_gpu, text.partition(": ")[2].split("|")) if one]
        if not gpus:
            return None
        mean_w = {name: Figure(value=sum(gpu.get(name, 0.0) for gpu in gpus)) for name in {n for g in gpus for n in g}}
        if "module" in mean_w:  # each pair of GPUs reports the one module that holds both, and the processor
            mean_w["module"] = mean_w["module"].times(0.5)
        return Expected(mean_w=mean_w, total_of=("module" if "module" in mean_w else "board",))
    if REFUSED.search(text):
        return None
    for pattern in (
        r"power\.draw \[W\]=([\d.]+) W", r"Average Power Draw : ([\d.]+) W", r"Instantaneous Power Draw : ([\d.]+) W",
        r"mean=([\d.]+) W", r"mean ([\d.]+) W", r"table: ([\d.]+)W", r"average ([\d.]+) W", r"([\d.]+) W",
    ):  # fmt: skip
        if (found := re.search(pattern, text)) is not None:
            samples = re.search(r"\bn=(\d+)", text)
            return Expected(
                mean_w={"board": Figure.of(found[1])}, total_of=("board",), samples=int(samples[1]) if samples else None
            )
    return None


def of_one_gpu(text: str) -> dict[str, float]:
    """The figure that counts of each scope: the average where there is one, else the instant."""
    figures: dict[str, float] = {}
    for scope, name in (("board", "board"), ("gpu", "board"), ("module", "module"), ("gpu_memory", "memory")):
        for kind in ("power_draw", "average", "instant"):
            if (found := re.search(rf"(?<![\w.]){scope}\.{kind}=([\d.]+) W", text)) is not None:
                figures.setdefault(name, float(found[1]))
    return figures


# --- trying them -------------------------------------------------------------------------------


@cache
def plugins() -> Plugins:
    found = installed()
    assert not found.broken
    return found


def imported(path: Path) -> Imported:
    ((chosen,), left_out) = choose(plugins(), open_all([path]))
    assert not left_out
    return read(chosen, ImportSource())


def recording_of(path: Path) -> Recording:
    (recording,) = imported(path).recordings
    return recording


@pytest.mark.parametrize("row", ROWS)
def test_a_capture_gives_its_numbers_or_the_right_refusal(row: dict[str, str]) -> None:
    path, truth = FOLDER / row["file"], expected(row)
    if truth is None:
        with pytest.raises(ImportFailed) as refused:
            imported(path)
        assert refused.value.path == str(path)
        assert len(refused.value.reason) > 15
        assert "defect" not in refused.value.reason
        return
    one = imported(path)
    (recording,) = one.recordings
    means = dict(recording.mean_power_w)
    assert (one.plugin, one.basis) == (row["instrument"], "measured")
    breakdown = {"memory"} if row["instrument"] == "nvidia_smi" else set()  # the index leaves it out of -q
    assert set(truth.mean_w) | {"total"} <= set(means) <= set(truth.mean_w) | breakdown | {"total"}
    for name, figure in truth.mean_w.items():
        assert figure.near(means[name], MEAN), (name, means[name], figure)
    total_w = sum(means[name] for name in truth.total_of)
    assert means["total"] == pytest.approx(total_w, rel=1e-12)
    if truth.samples is not None:
        assert recording.samples == truth.samples
    if truth.duration_s is not None:
        assert recording.duration_s == pytest.approx(truth.duration_s, abs=6e-4)
    for name, figure in (truth.energy_j or {}).items():
        assert recording.energy_j is not None
        assert figure.near(recording.energy_j[name], ENERGY), (name, recording.energy_j[name], figure)


@pytest.mark.parametrize("row", ROWS)
def test_at_most_one_importer_recognises_a_capture(row: dict[str, str]) -> None:
    (handed,) = open_all([FOLDER / row["file"]])
    answers = [answer for _, answer in plugins().ask("import_provided", source=ImportSource(files=(handed.file,)))]
    offers = [answer for answer in answers if isinstance(answer, Importer)]
    assert all(isinstance(answer, Fetcher) for answer in answers if answer not in offers)
    fitting = [offer.format for offer in offers if handed.file.head and offer.sniff(handed.file)]
    assert len(fitting) <= 1
    if expected(row) is not None:
        assert len(fitting) == 1


@SKIP
def test_no_capture_and_no_row_is_left_out() -> None:
    named = [row["file"] for row in rows()]
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*")}
    assert len(named) == len(set(named)) >= 186
    assert set(named) == there
    checked = [expected(row) for row in rows()]
    assert sum(truth is not None for truth in checked) > 100
    assert sum(truth is None for truth in checked) > 50
    assert set(PROSE) <= {Path(name).name for name in named}


# --- the same sums a second time, as bluntly as possible ---------------------------------------


def blunt_powermetrics_j(text: str) -> float:
    joules = 0.0
    for block in text.partition("*** Summary")[0].split("*** Sampled system activity")[1:]:
        elapsed_ms = float(re.findall(r"\(([\d.]+)ms elapsed\)", block)[0])
        total = r"^(?:Combined Power \(CPU \+ GPU \+ ANE\)|Package Power): (\d+) mW$"
        milliwatts = [float(x) for x in re.findall(total, block, re.M)]
        milliwatts += [float(x) * 1e3 for x in re.findall(r"^Intel energy model.*: ([\d.]+)W$", block, re.M)]
        joules += sum(milliwatts) * elapsed_ms / 1e6
    return joules


def blunt_turbostat_j(text: str) -> float:
    """Package energy after the first row, of a recording with times of day."""
    header: list[str] = []
    joules, before_s = 0.0, None
    for line in text.splitlines():
        cells = line.split("\t") if "\t" in line else line.split()
        if "PkgWatt" in cells:
            header, cpu = cells, cells.index("CPU")
        elif header and len(cells) > cpu and cells[cpu].strip() == "-":
            at_s = float(cells[header.index("Time_Of_Day_Seconds")])
            joules += float(cells[header.index("PkgWatt")]) * (at_s - (at_s if before_s is None else before_s))
            before_s = at_s
    return joules


@pytest.mark.parametrize("row", [p for p in ROWS if "sum=" in str(p.values) and "samples=" in str(p.values)] or ROWS)
def test_the_energy_of_powermetrics_is_power_times_length(row: dict[str, str]) -> None:
    path = FOLDER / row["file"]
    energy_j = recording_of(path).energy_j
    assert energy_j is not None
    assert energy_j["total"] == pytest.approx(blunt_powermetrics_j(path.read_text("utf-8", "replace")), rel=ENERGY)


@pytest.mark.parametrize("row", [p for p in ROWS if "energy after 1st row" in str(p.values)] or ROWS)
def test_the_energy_of_turbostat_is_power_times_length(row: dict[str, str]) -> None:
    path = FOLDER / row["file"]
    energy_j = recording_of(path).energy_j
    assert energy_j is not None
    assert energy_j["package"] == pytest.approx(blunt_turbostat_j(path.read_text()), rel=ENERGY)


# --- through the command -----------------------------------------------------------------------

THROUGH_THE_COMMAND = (
    "turbostat/sc_milan0.stream.txt", "turbostat/emul_2026.04.21_icx2pkg_full.stdout.txt",
    "turbostat/lkml_7840hs_2024.04.08_mail_quoted-printable.eml", "powermetrics/singhkays_m1_Cinebench-R23.txt",
    "powermetrics/pumas_m1.plist", "powermetrics/matias_battery.plist", "nvidia_smi/nvk8s_hw_gb200.xml",
    "nvidia_smi/ngesplit_h100-mig__590.48.01.load.q.txt", "nvidia_smi/err_gpu_lost.txt",
)  # fmt: skip


@SKIP
@pytest.mark.parametrize("name", THROUGH_THE_COMMAND)
def test_the_command_says_the_same(name: str, tmp_path: Path) -> None:
    (row,) = [row for row in rows() if row["file"] == name]
    book = tmp_path / "book.db"
    done = subprocess.run(
        [sys.executable, "-m", "wattbook", "import", "--dry-run", "--json", "--ledger", str(book), str(FOLDER / name)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert not book.exists()
    assert "Traceback" not in done.stderr
    if expected(row) is None:
        assert (done.returncode, done.stdout) == (1, "")
        assert name in done.stderr
        return
    assert (done.returncode, done.stderr) == (0, "")
    (document,) = json.loads(done.stdout)["imported"]
    recording = recording_of(FOLDER / name)
    assert document["plugin"] == row["instrument"]
    assert document["mean_power_w"] == dict(recording.mean_power_w)
    assert document["energy_j"] == (None if recording.energy_j is None else dict(recording.energy_j))
    assert document["entries"] == {"new": 0, "known": 0}
