"""Run in a process of its own: probe a meter, read it a few times, print what came as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from wattbook import Busy, Host, ReadError, Sample, Unavailable
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
                    if isinstance(item, Busy):
                        items["busy"] = {**items.get("busy", {}), item.domain.address: item.share}
                    elif isinstance(item, Sample):
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
    from wattbook_nvidia_smi import processes
    from wattbook_nvidia_smi.nvml import chips

    contained = "contained" in os.environ.get("STANDIN_NVML", "")
    processes.numbers_mean_something = lambda: not contained
    users: dict[str, Any] = {}
    for meter in measure(host=Host(os="linux"), config=None):
        if meter.name in ("energy", "power"):
            meter.probe()
            with meter.open() as session:
                try:
                    users[meter.name] = session.users()  # type: ignore[attr-defined]
                except ReadError as error:
                    users[meter.name] = str(error)
    return {"chips": {chip.device: [chip.name, chip.power_limit_w] for chip in chips()}, "users": users}


if __name__ == "__main__":
    if sys.argv[1] == "attribute":
        print(json.dumps(attribute()))
    else:
        print(json.dumps(drive(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
