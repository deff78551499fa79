"""Say from a file's first bytes which output of nvidia-smi it is, if any."""

from __future__ import annotations

import re
from functools import lru_cache

from wattbook_nvidia_smi import csv_, dmon, stats, table
from wattbook_nvidia_smi.lines import encoding_of
from wattbook_nvidia_smi.q_text import SECTIONS
from wattbook_nvidia_smi.refusals import explain

CSV, XML, TEXT, DMON = "nvidia-smi-csv", "nvidia-smi-xml", "nvidia-smi-text", "nvidia-smi-dmon"

#: The kind of output, and the format under which it is imported or refused.
FORMATS = {
    "csv": CSV, "headerless": CSV, "stats": CSV, "xml": XML, "q": TEXT, "table": TEXT, "mixed": TEXT, "error": TEXT,
    "dmon": DMON, "pmon": DMON,
}  # fmt: skip
_XML = re.compile(r"<!DOCTYPE nvidia_smi_log|<nvidia_smi_log[\s>]")
_TRANSCRIPT = re.compile(r"^# \$ nvidia-smi", re.M)
_Q_HEADINGS = {*SECTIONS, "power samples"}
_MAX_LINES = 2_000


@lru_cache(maxsize=8)
def kind_of(head: bytes) -> str | None:
    """A key of ``FORMATS``, or ``None`` where nothing in *head* comes from nvidia-smi.

    ``mixed`` is a file in which several outputs follow one another.
    """
    text = head.decode(encoding_of(head), errors="replace")
    if "\x00" in text or not text.strip():
        return None
    found = {"xml"} if _XML.search(text) else set()
    if _TRANSCRIPT.search(text):
        return "mixed"
    lines = [line for line in text.splitlines()[:_MAX_LINES] if line.strip()]
    if not found:
        for line in lines:
            found |= _kinds(line)
    if len(found - {"error"}) > 1:
        return "mixed"
    if found - {"error"}:
        return (found - {"error"}).pop()
    if csv_.looks_headerless(lines[0]):
        return "headerless"
    return "error" if found else None


def _kinds(line: str) -> set[str]:
    text = line.strip()
    if (columns := dmon.columns_of(text)) is not None:
        return {"pmon" if "pid" in columns else "dmon"}
    if (text.strip("=") == "NVSMI LOG" and text != "NVSMI LOG") or text.lower() in _Q_HEADINGS:
        return {"q"}
    if table.HEADING.search(text) or table.POWER.match(text):
        return {"table"}
    if stats.ROW.fullmatch(text):
        return {"stats"}
    if "." in text and csv_.Header.from_line(text) is not None:
        return {"csv"}
    return {"error"} if explain(text) else set()
