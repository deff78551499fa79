"""The domains that turbostat has columns for."""

from __future__ import annotations

from wattbook import Domain


def domains_of(which: int | str, model: str = "") -> dict[str, Domain]:
    """The domains of one package, and of the machine, by name."""
    cpu = f"cpu:{which}"
    return {
        "package": Domain(device=cpu, name="package", model=model),
        "core": Domain(device=cpu, name="core", within=f"{cpu}/package", model=model),
        "gfx": Domain(device=cpu, name="gfx", within=f"{cpu}/package", model=model),
        "dram": Domain(device=f"dram:{which}", name="dram"),
        "platform": Domain(device="machine", name="platform", may_contain=("gpu:*",)),
    }
