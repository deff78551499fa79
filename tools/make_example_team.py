"""Make the inputs of the example team: recordings, an export and a jobs file, all synthetic.

Run from the project's root: ``python tools/make_example_team.py``.  Nothing is random, so the files
come out the same every time; a test compares them with what lies under ``examples/team-sg``.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

SINGAPORE = ZoneInfo("Asia/Singapore")
ACCOUNT = "222222222222"


def working(hour: float) -> float:
    """How busy a working day is at *hour*, 0 to 1."""
    return max(0.0, math.sin((hour - 8.5) / 10 * math.pi)) if 8.5 < hour < 18.5 else 0.0


def laptop_text(day: datetime, model: str, build: str, scale: float) -> str:
    """powermetrics text of one working day, a sample every five minutes."""
    out = [f"Machine model: {model}", f"OS version: {build}", "Boot arguments: ", ""]
    for i in range(1, 109):
        end = day.replace(hour=9, tzinfo=SINGAPORE) + timedelta(minutes=5 * i)
        busy = working(end.hour + end.minute / 60)
        cpu = round(scale * (180 + 5200 * busy * (0.7 + 0.3 * math.sin(i * 1.7) ** 2)))
        gpu = round(scale * (15 + 900 * busy * math.sin(i * 0.9) ** 2))
        ane = round(scale * 60 * busy * (i % 7 == 0))
        out += [
            "",
            f"*** Sampled system activity ({end.strftime('%a %b %e %H:%M:%S %Y %z')}) (300012.40ms elapsed) ***",
            "",
            "**** Processor usage ****",
            "",
            f"E-Cluster HW active residency: {20 + 60 * busy:6.2f}%",
            f"P-Cluster HW active residency: {2 + 80 * busy:6.2f}%",
            "",
            f"CPU Power: {cpu} mW",
            f"GPU Power: {gpu} mW",
            f"ANE Power: {ane} mW",
            f"Combined Power (CPU + GPU + ANE): {cpu + gpu + ane} mW",
        ]
    return "\n".join(out) + "\n"


def server_turbostat(start: datetime, hours: int) -> str:
    """turbostat -S --Joules, a row every ten minutes: two packages with their memory."""
    rows = ["Time_Of_Day_Seconds\tPkg_J\tRAM_J"]
    for i in range(hours * 6):
        end = start + timedelta(minutes=10 * (i + 1))
        train = 1.0 if 2 <= (i / 6) % 24 < 20 else 0.15
        package_w = 118 + 190 * train * (0.8 + 0.2 * math.sin(i * 0.31))
        dram_w = 21 + 14 * train
        rows.append(f"{end.timestamp():.6f}\t{package_w * 600:.2f}\t{dram_w * 600:.2f}")
    return "\n".join(rows) + "\n"


def server_gpus(start: datetime, hours: int) -> str:
    """nvidia-smi CSV of four boards, a row each every ten minutes, in the server's local time."""
    out = io.StringIO()
    out.write("timestamp, index, uuid, name, power.draw [W], utilization.gpu [%]\n")
    for i in range(hours * 6 + 1):
        at = (start + timedelta(minutes=10 * i)).astimezone(SINGAPORE)
        for gpu in range(4):
            train = 2 <= (i / 6) % 24 < 20 and gpu < 3
            watts = 258 + 44 * math.sin(i * 0.23 + gpu) if train else 52.4 + gpu * 1.3
            use = 97 if train else 0
            uuid = f"GPU-5e7a0000-0000-4000-8000-00000000000{gpu}"
            stamp = at.strftime("%Y/%m/%d %H:%M:%S.000")
            out.write(f"{stamp}, {gpu}, {uuid}, NVIDIA A100-SXM4-40GB, {watts:.2f} W, {use} %\n")
    return out.getvalue()


COLUMNS = [
    "last_refresh_timestamp", "location", "model_version", "payer_account_id", "product_code", "region_code",
    "total_lbm_emissions_unit", "total_lbm_emissions_value", "total_mbm_emissions_unit", "total_mbm_emissions_value",
    "total_scope_1_emissions_unit", "total_scope_1_emissions_value",
    "total_scope_2_lbm_emissions_unit", "total_scope_2_lbm_emissions_value",
    "total_scope_2_mbm_emissions_unit", "total_scope_2_mbm_emissions_value",
    "total_scope_3_lbm_emissions_unit", "total_scope_3_lbm_emissions_value",
    "total_scope_3_mbm_emissions_unit", "total_scope_3_mbm_emissions_value",
    "usage_account_id", "usage_period_end", "usage_period_start",
]  # fmt: skip

#: service, region, place, micro-tonnes of scope 1, scope 2 location, scope 2 market, scope 3
CLOUD = [
    ("AmazonEC2", "ap-southeast-1", "Asia Pacific (Singapore)", 900, 148_200, 148_200, 41_300),
    ("AmazonS3", "ap-southeast-1", "Asia Pacific (Singapore)", 40, 3_120, 3_120, 2_450),
    ("Other", "eu-north-1", "Europe (Stockholm)", 15, 620, 0, 880),
]


def cloud_export(
    model: str, refreshed: str, factor: tuple[int, int], month: tuple[str, str] = ("2026-10-01", "2026-11-01")
) -> bytes:
    """One month of an AWS carbon export; *factor* is a fraction by which month or model changed the figures."""

    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for service, region, place, s1, s2l, s2m, s3 in CLOUD:
        scaled = [v * factor[0] // factor[1] for v in (s1, s2l, s2m, s3)]
        row = {name: "MTCO2e" for name in COLUMNS if name.endswith("_unit")}
        row |= {
            "last_refresh_timestamp": refreshed, "location": place, "model_version": model,
            "payer_account_id": ACCOUNT, "product_code": service, "region_code": region,
            "usage_account_id": ACCOUNT,
            "usage_period_start": f"{month[0]} 00:00:00Z", "usage_period_end": f"{month[1]} 00:00:00Z",
            "total_lbm_emissions_value": _tonnes(scaled[0] + scaled[1] + scaled[3]),
            "total_mbm_emissions_value": _tonnes(scaled[0] + scaled[2] + scaled[3]),
            "total_scope_1_emissions_value": _tonnes(scaled[0]),
            "total_scope_2_lbm_emissions_value": _tonnes(scaled[1]),
            "total_scope_2_mbm_emissions_value": _tonnes(scaled[2]),
            "total_scope_3_lbm_emissions_value": _tonnes(scaled[3]),
            "total_scope_3_mbm_emissions_value": _tonnes(scaled[3]),
        }  # fmt: skip
        writer.writerow(row)
    return gzip.compress(out.getvalue().encode(), mtime=0)


def _tonnes(micro: int) -> str:
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}"


JOBS = """\
start,hours,platform,project,phase,cpu,threads,gpu,gpu_count,memory_gb,util,gpu_util,region,count,pipeline
2026-10-05T10:00:00+08:00,6.5,gitlab-ci,ner,ci,,4,,,16,ci,,us-east1,1,tests
2026-10-12T10:00:00+08:00,7.25,gitlab-ci,ner,ci,,4,,,16,ci,,us-east1,1,tests
2026-10-19T10:00:00+08:00,5.75,gitlab-ci,speech,ci,,4,,,16,ci,,us-east1,1,tests
2026-10-06T14:00:00+08:00,18,notebooks,speech,dev,,8,NVIDIA T4,1,52,notebook,10..40,asia-southeast1,1,
2026-10-14T14:00:00+08:00,22,notebooks,ner,eval,,8,NVIDIA T4,1,52,notebook,30..70,asia-southeast1,1,
2026-10-20T01:00:00+08:00,36,aws,speech,train,,96,NVIDIA A100-SXM4-40GB,8,1152,20..35,60..80,ap-southeast-1,1,
"""

#: the month before, for a comparison
JOBS_BEFORE = """\
start,hours,platform,project,phase,cpu,threads,gpu,gpu_count,memory_gb,util,gpu_util,region,count,pipeline
2026-09-07T10:00:00+08:00,9.5,gitlab-ci,ner,ci,,4,,,16,ci,,us-east1,1,tests
2026-09-21T10:00:00+08:00,11,gitlab-ci,speech,ci,,4,,,16,ci,,us-east1,1,tests
2026-09-10T14:00:00+08:00,15,notebooks,ner,eval,,8,NVIDIA T4,1,52,notebook,30..70,asia-southeast1,1,
"""

REPLAY = """\
# The example team: what is imported and logged, in this order. Everything here is synthetic.
name = "example team, Singapore"
synthetic = true
recorded_at = "2026-11-24T00:00:00Z"
month = "2026-10"

[[steps]]
files = ["measured/laptop-1/2026-10-06.txt", "measured/laptop-1/2026-10-07.txt"]
host = "laptop-1"
project = "ner"
phase = "dev"
platform = "laptops"

[[steps]]
files = ["measured/laptop-2/2026-10-08.txt"]
host = "laptop-2"
project = "speech"
phase = "dev"
platform = "laptops"

[[steps]]
files = ["measured/gpu-server/turbostat.txt"]
host = "gpu-server"
site = "server-room"
project = "ner"
phase = "train"
platform = "gpu-server"

[[steps]]
files = ["measured/gpu-server/nvidia-smi.csv"]
host = "gpu-server"
site = "server-room"
project = "ner"
phase = "train"
platform = "gpu-server"
timezone = "Asia/Singapore"

[[steps]]
jobs = "estimated/jobs.csv"

# the month before

[[steps]]
files = ["measured/gpu-server/2026-09-turbostat.txt"]
host = "gpu-server"
site = "server-room"
project = "ner"
phase = "train"
platform = "gpu-server"

[[steps]]
files = ["measured/gpu-server/2026-09-nvidia-smi.csv"]
host = "gpu-server"
site = "server-room"
project = "ner"
phase = "train"
platform = "gpu-server"
timezone = "Asia/Singapore"

[[steps]]
jobs = "estimated/2026-09-jobs.csv"

[[steps]]
files = ["provided/aws-2026-09-model-3.0.1.csv.gz"]

# the cloud's figures of the month, and how it restated them

[[steps]]
files = ["provided/aws-2026-10-model-3.0.1.csv.gz"]

[[steps]]
files = ["provided/aws-2026-10-model-3.1.0.csv.gz"]
"""

TEAM = """\
# The example team's configuration: where its machines stand and whose bill claims what.
[site]
name = "office"
zone = "SG"
pue = 1.0

[sites.server-room]
name = "server-room"
zone = "SG"
pue = 1.5

[report]
timezone = "Asia/Singapore"

[accounts."aws/222222222222"]
platforms = ["aws"]
"""


def files() -> dict[str, bytes]:
    """Every input by its path below the team's folder."""
    start = datetime(2026, 10, 13, 0, 0, tzinfo=UTC)
    before = datetime(2026, 9, 15, 0, 0, tzinfo=UTC)
    day = datetime(2026, 10, 6)
    texts = {
        "team.toml": TEAM,
        "replay.toml": REPLAY,
        "estimated/jobs.csv": JOBS,
        "estimated/2026-09-jobs.csv": JOBS_BEFORE,
        "measured/laptop-1/2026-10-06.txt": laptop_text(day, "Mac15,6", "25A354", 1.0),
        "measured/laptop-1/2026-10-07.txt": laptop_text(day + timedelta(days=1), "Mac15,6", "25A354", 0.9),
        "measured/laptop-2/2026-10-08.txt": laptop_text(day + timedelta(days=2), "Mac14,2", "24G90", 0.6),
        "measured/gpu-server/turbostat.txt": server_turbostat(start, 48),
        "measured/gpu-server/nvidia-smi.csv": server_gpus(start, 48),
        "measured/gpu-server/2026-09-turbostat.txt": server_turbostat(before, 30),
        "measured/gpu-server/2026-09-nvidia-smi.csv": server_gpus(before, 30),
    }
    september = ("2026-09-01", "2026-10-01")
    binary = {
        "provided/aws-2026-09-model-3.0.1.csv.gz": cloud_export("v3.0.1", "2026-10-20 06:00:00Z", (81, 100), september),
        "provided/aws-2026-10-model-3.0.1.csv.gz": cloud_export("v3.0.1", "2026-11-20 06:00:00Z", (1, 1)),
        "provided/aws-2026-10-model-3.1.0.csv.gz": cloud_export("v3.1.0", "2026-11-23 06:00:00Z", (93, 100)),
    }
    return {name: text.encode() for name, text in texts.items()} | binary


def main(root: Path) -> None:
    for name, content in files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{len(content):>8} {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "examples" / "team-sg")
