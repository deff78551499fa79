"""Whose work a GPU does: the share of its use that falls to given processes, for attribution."""

from __future__ import annotations

from collections.abc import Collection

from attrs import frozen


@frozen(kw_only=True)
class GpuUse:
    """One process on one GPU; what the driver does not tell (MIG, WDDM, old drivers) is ``None``."""

    device: str
    pid: int
    busy: float | None  #: share of the time in which it ran a kernel, 0..1
    memory_bytes: int | None


def uses() -> tuple[GpuUse, ...]:
    """Every process that computes on a GPU now; raises ``Unavailable``.

    The board's power belongs to all of them together: there is no sensor per process.
    """
    from wattbook_nvidia_smi.nvml import cards, library

    found: list[GpuUse] = []
    with library() as lib:
        for card in cards(lib)[0]:
            try:
                processes = lib.nvmlDeviceGetComputeRunningProcesses(card.handle)
            except lib.NVMLError:
                continue
            busy: dict[int, list[int]] = {}
            try:
                for sample in lib.nvmlDeviceGetProcessUtilization(card.handle, 0):
                    if sample.smUtil <= 100:
                        busy.setdefault(int(sample.pid), []).append(int(sample.smUtil))
            except lib.NVMLError:
                pass  # not supported with MIG and by old drivers
            for process in processes:
                shares = busy.get(int(process.pid))
                found.append(
                    GpuUse(
                        device=card.device,
                        pid=int(process.pid),
                        busy=sum(shares) / len(shares) / 100 if shares else None,
                        memory_bytes=process.usedGpuMemory,
                    )
                )
    return tuple(found)


def share_of(pids: Collection[int], found: Collection[GpuUse]) -> dict[str, float | None]:
    """Per GPU, the part of its use that is these processes': by busy time, else by memory.

    ``None`` where the driver tells neither; a GPU on which none of them runs is not in the answer.
    """
    shares: dict[str, float | None] = {}
    for device in dict.fromkeys(use.device for use in found if use.pid in pids):
        here = [use for use in found if use.device == device]
        shares[device] = None
        for weights in (
            {use.pid: use.busy for use in here},
            {use.pid: None if use.memory_bytes is None else float(use.memory_bytes) for use in here},
        ):
            total = sum(weight or 0.0 for weight in weights.values())
            if total > 0 and all(weight is not None for weight in weights.values()):
                shares[device] = sum(weight or 0.0 for pid, weight in weights.items() if pid in pids) / total
                break
    return shares
