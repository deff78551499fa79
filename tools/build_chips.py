"""Rebuild the catalogue of the tdp plugin from ``tools/chips/`` and check it: ``python tools/build_chips.py``.

Inputs, best first: figures by hand with their source, vendors' tables, a table of secondary figures.
Where two inputs disagree the better one wins and the row's note says what the other said.
With ``--check`` nothing is written; the exit code is 1 where the packaged table differs.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "plugins/tdp/src"), str(ROOT / "core/src")]

from wattbook_tdp.gpu_names import gpu_key  # noqa: E402
from wattbook_tdp.instances import instance_key  # noqa: E402
from wattbook_tdp.names import cpu_key, without_tier  # noqa: E402

INPUTS = ROOT / "tools/chips"
DATA = ROOT / "plugins/tdp/src/wattbook_tdp/data"
COLUMNS = ("key", "kind", "name", "tdp_w", "range_w", "cores", "threads", "year", "confidence", "source", "note")
RANK = {"vendor": 0, "secondary": 1, "unofficial": 2, "": 3}
Row = dict[str, str]


def read(name: str) -> Iterator[Row]:
    with (INPUTS / name).open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def year(text: str) -> str:
    """The launch year in ``Q1'23``, ``3Q 2016``, ``Channel: 7/27/2017, OEM: 9/5/2016``."""
    full = re.findall(r"\b(?:19|20)\d\d\b", text)
    if full:
        return str(min(full))
    short = re.search(r"[Qq]\d\s*'?(\d\d)\b|\d[Qq]\s*(\d\d)\b", text)
    return f"20{short[1] or short[2]}" if short else ""


def watts(text: str) -> tuple[str, str]:
    """A figure and its range: ``155/170`` is a dual rating, taken at its upper end."""
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]
    if not numbers or max(numbers) <= 0:
        return "", ""
    span = f"{min(numbers):g}-{max(numbers):g}" if min(numbers) != max(numbers) else ""
    return f"{max(numbers):g}", span


def candidates() -> Iterator[tuple[int, str, Row]]:
    """(rank, key, row), the smaller rank the better."""
    for row in read("cpu_by_hand.tsv"):
        for name in [row["name"], *filter(None, row["aliases"].split(";"))]:
            yield 0, f"cpu:{cpu_key(name)}", {**row, "kind": "cpu", "_alias": "1" if name != row["name"] else ""}
    for row in read("accelerators.tsv"):
        for name in [row["name"], *filter(None, row["aliases"].split(";"))]:
            yield (0 if row["tdp_w"] else 1), f"gpu:{gpu_key(name)}", row
    for row in read("cpu_vendors.tsv"):
        tdp, span = watts(row["tdp_w"])
        if not tdp:
            continue
        rank = 2 if row["source"].startswith("quattor") else 1
        yield rank, f"cpu:{cpu_key(row['name'])}", {
            "kind": "cpu", "name": row["name"], "tdp_w": tdp, "range_w": span, "cores": row["cores"],
            "threads": row["threads"], "year": year(row["launch"]), "confidence": "vendor", "source": row["source"],
        }  # fmt: skip
    for row in read("cpu_secondary.tsv"):
        tdp, span = watts(row["tdp_w"])
        if tdp:
            yield 3, f"cpu:{cpu_key(row['name'])}", {
                "kind": "cpu", "name": row["name"], "tdp_w": tdp, "range_w": span,
                "confidence": "secondary", "source": row["source"],
            }  # fmt: skip


def plausible(key: str) -> bool:
    """A processor's key without a model number is a family or a cut name, not a chip."""
    _, _, name = key.partition(":")
    if name in {"core2", "v2", "v3", "v4"}:
        return False
    return bool(re.search(r"\d{3}|[a-z]\d|z1 extreme|\b[a-z]{1,2}-\d\d", name))


def build() -> dict[str, Row]:
    table: dict[str, tuple[int, Row]] = {}
    for rank, key, row in sorted(candidates(), key=lambda item: item[0]):
        if rank and not key.startswith("gpu:") and not plausible(key):
            continue
        row = {column: row.get(column) or "" for column in COLUMNS} | {"key": key}
        if key not in table:
            table[key] = rank, row
            continue
        best_rank, best = table[key]
        for column in ("cores", "threads", "year"):
            best[column] = best[column] or row[column]
        if row["tdp_w"] and best["tdp_w"] and abs(float(row["tdp_w"]) - float(best["tdp_w"])) > 1:
            _disagree(best, row, equal=rank == best_rank)
    for key, (rank, row) in list(table.items()):
        short = without_tier(key)
        if short != key and short not in table:
            table[short] = rank, row | {"key": short}
    return {key: row for key, (_, row) in sorted(table.items())}


def _disagree(best: Row, row: Row, *, equal: bool) -> None:
    """Keep the better figure and say what the other was; equals span a range, with the larger one kept."""
    if equal:
        ends = [float(best["tdp_w"]), float(row["tdp_w"]), *(float(end) for end in best["range_w"].split("-") if end)]
        best["range_w"] = f"{min(ends):g}-{max(ends):g}"
        best["tdp_w"] = f"{max(ends):g}"
    said = f"{row['tdp_w']} W according to {row['source']}"
    if not equal and said not in best["note"] and len(best["note"]) < 80:
        best["note"] = "; ".join(filter(None, (best["note"], said)))


def render(table: dict[str, Row]) -> tuple[str, str]:
    sources = sorted({row["source"] for row in table.values()})
    short = {source: f"s{i}" for i, source in enumerate(sources, start=1)}
    lines = ["# built by tools/build_chips.py; columns: " + " ".join(COLUMNS)]
    for row in table.values():
        values = {**row, "source": short[row["source"]]}
        if row["tdp_w"]:
            values["tdp_w"] = f"{float(row['tdp_w']):g}"
        lines.append("\t".join(values[column].replace("\t", " ") for column in COLUMNS))
    return "\n".join(lines) + "\n", "".join(f"{short[source]}\t{source}\n" for source in sources)


def render_instances() -> str:
    """The instance types; a test of the plugin holds every AWS one against moto's.

    Of Azure's, a source of ``table of the series`` was read there, ``family rules`` is memory per thread times
    the sizes of the family.
    """
    lines = ["# built by tools/build_chips.py; columns: key type threads memory_gb cpu gpus source"]
    rows = {instance_key(row["type"]): row for row in read("instances.tsv")}
    lines += ["\t".join((key, *row.values())) for key, row in sorted(rows.items())]
    return "\n".join(lines) + "\n"


def check(table: dict[str, Row]) -> list[str]:
    """What is wrong with the table, as sentences."""
    wrong = []
    for key, row in table.items():
        tdp = float(row["tdp_w"]) if row["tdp_w"] else None
        if tdp is not None and not 0.02 <= tdp <= 1500:
            wrong.append(f"{key}: {tdp:g} W is not plausible")
        if not row["source"]:
            wrong.append(f"{key}: no source")
        if row["confidence"] not in RANK or (tdp is not None and not row["confidence"]):
            wrong.append(f"{key}: confidence {row['confidence']!r}")
    names = {
        kind: {r["name"] for r in table.values() if (r["kind"] == "cpu") == (kind == "cpu")} for kind in ("cpu", "gpu")
    }
    if len(names["cpu"]) < 3200:
        wrong.append(f"only {len(names['cpu'])} processors")
    if len(names["gpu"]) < 150:
        wrong.append(f"only {len(names['gpu'])} accelerators")
    return wrong


def main() -> int:
    table = build()
    chips, sources = render(table)
    outputs = {"chips.tsv": chips, "sources.tsv": sources, "instances.tsv": render_instances()}
    wrong = check(table)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if "--check" in sys.argv:
        stale = [name for name, text in outputs.items() if (DATA / name).read_text("utf-8") != text]
        print(
            f"differs: {', '.join(stale)}; run tools/build_chips.py" if stale else "the packaged tables are up to date"
        )
        return int(bool(wrong or stale))
    for name, text in outputs.items():
        (DATA / name).write_text(text, "utf-8")
        print(f"{name}: {text.count(chr(10))} lines, {len(text.encode()) / 1e3:.0f} kB")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
