"""``wattbook chip``: what the catalogue knows about a name."""

from __future__ import annotations

import sys
from typing import Any

import click

from wattbook.cli.common import common_options, print_json, tell

SHOWN = 200  #: letters of a name that nobody can have printed


@click.command("chip", short_help="Say what the catalogue knows about a chip.")
@click.argument("names", metavar="NAME... | -", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(["cpu", "gpu"]), help="What the names are names of.")
@common_options
def command(
    names: tuple[str, ...], kind: str | None, ledger: str | None, config: str | None, quiet: bool, as_json: bool
) -> None:
    """Say what the catalogue knows about a chip, exactly or not at all.

    A name that is generic, virtual or unknown is refused with the reason.  With - the names come from
    stdin, one a line.  Exits with 0 when all match, else with 1.
    """
    from wattbook.byhand import Estimators
    from wattbook.config import load
    from wattbook.plugins import installed

    several = len(names) > 1 or names == ("-",)
    if names == ("-",):
        text = sys.stdin.buffer.read().decode("utf-8-sig", "replace")
        names = tuple(line.strip("\r") for line in text.split("\n") if line.strip())
    catalogue = Estimators(installed(load(config).plugins))
    found = [as_document(catalogue, name, kind) for name in names]
    if as_json:
        print_json(found if several else found[0])
    else:
        for chip in found:
            tell(as_line(chip))
    if any(chip["match"] is None for chip in found):
        sys.exit(1)


def as_document(catalogue: Any, name: str, kind: str | None) -> dict[str, Any]:
    """One object of the JSON output."""
    identity = catalogue.identify(name, kind)
    return {
        "query": name,
        "kind": identity.kind,
        "match": identity.match,
        "tdp_w": identity.tdp_w,
        "cores": identity.cores,
        "threads": identity.threads,
        "memory_gb": identity.memory_gb,
        "gpus": list(identity.gpus),
        "year": identity.year,
        "confidence": identity.confidence,
        "source": identity.source or None,
        "reason": identity.reason or None,
    }


def as_line(chip: dict[str, Any]) -> str:
    if chip["match"] is None:
        asked = chip["query"] if len(chip["query"]) <= SHOWN else f"{chip['query'][:SHOWN]}..."
        return f"{asked}: not matched: {chip['reason']}"
    if chip["kind"] == "instance":
        gpus = f", {len(chip['gpus'])} x {chip['gpus'][0]}" if chip["gpus"] else ""
        return f"{chip['match']}: {chip['threads']} threads, {chip['memory_gb']:g} GB{gpus} ({chip['source']})"
    tdp = "power not known" if chip["tdp_w"] is None else f"{chip['tdp_w']:g} W"
    details = [chip["confidence"], chip["source"], f"{chip['cores']} cores" if chip["cores"] else None, chip["year"]]
    return f"{chip['match']}: {tdp} ({', '.join(str(d) for d in details if d)}; {chip['reason']})"
