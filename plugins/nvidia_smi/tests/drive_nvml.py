"""Run in a process of its own: probe a meter, read it a few times, print what came as JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from wattbook import Host, ReadError, Sample, Unavailable
from wattbook_nvidia_smi import measure


def drive(name: str, polls: int, pause_s: float) -> dict[str, Any]:
    (meter,) = [m for m in measure(host=Host(os="linux"), config=None) if m.name == name]
    try:
        found = meter.probe() or meter.domains
    except Unavailable as no:
        return {"unavailable": no.reason, "remedy": no.remedy}
    polled: list[Any] = []
    with meter.open() as session:
        for _ in range(polls):
            items: dict[str, Any] = {"samples": {}, "missed": {}, "error": None}
            try:
                for item in session.read():
                    if isinstance(item, Sample):
                        items["samples"][item.domain.address] = item.energy_j
                    else:
                        items["missed"][item.domain.address] = [item.reason, item.low_j, item.until_s - item.since_s]
            except ReadError as error:
                items["error"] = str(error)
            polled.append(items)
            time.sleep(pause_s)
    domains = {d.address: {"model": d.model, "within": d.within} for d in found}
    return {"domains": domains, "polls": polled}


def attribute() -> dict[str, Any]:
    from wattbook_nvidia_smi.nvml import chips
    from wattbook_nvidia_smi.processes import share_of, uses

    return {
        "chips": {chip.device: [chip.name, chip.power_limit_w] for chip in chips()},
        "shares": share_of([100, 200], uses()),
    }


if __name__ == "__main__":
    if sys.argv[1] == "attribute":
        print(json.dumps(attribute()))
    else:
        print(json.dumps(drive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
