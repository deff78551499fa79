"""Which domains a GPU's figures cover, and what contains what."""

from __future__ import annotations

from attrs import define, field
from wattbook import Domain, ImportFailed

from wattbook_nvidia_smi.gpu import BOARD, MEMORY, MODULE, GpuSample

MAX_GPUS = 1_024
_ALONE = ("GH200",)  #: superchips with one GPU a module: no serial number is needed to pair GPUs


def board_of(device: str, model: str = "", module: str | None = None) -> Domain:
    """A GPU's board, inside its superchip module if it has one."""
    return Domain(device=device, name=BOARD, model=model, within=f"{module}/{MODULE}" if module else None)


def memory_of(device: str, model: str = "") -> Domain:
    return Domain(device=device, name=MEMORY, model=model, within=f"{device}/{BOARD}")


def module_of(device: str, model: str = "") -> Domain:
    """A superchip module: its GPUs and its Grace processor with its memory, which others may report too."""
    return Domain(device=device, name=MODULE, model=model, may_contain=("cpu:*/package", "dram:*/dram"))


@define
class Domains:
    """Names the domains of every GPU of one recording.

    What a GPU's first sample says about its module holds for the whole recording, because containment
    that changed halfway would count the first half twice.
    """

    models: dict[str, str] = field(factory=dict)  #: by device
    unnamed: bool = False  #: rows did not say which GPU they belong to
    ungrouped: bool = False  #: a module's power was given, but not which GPUs share the module
    _names: dict[str, int] = field(factory=dict)
    _modules: dict[str, str] = field(factory=dict)

    def of(self, sample: GpuSample) -> dict[str, Domain]:
        """The domains by name; raises ``ImportFailed`` for more GPUs than any machine has."""
        device, model = sample.gpu.device, sample.gpu.name
        if device == "gpu:?":
            self.unnamed = True
            device = f"gpu:{self._names.setdefault(model, len(self._names))}"
        if len(self.models) >= MAX_GPUS and device not in self.models:
            raise ImportFailed(f"more than {MAX_GPUS} GPUs in one recording", line=sample.line)
        self.models.setdefault(device, model)
        module = self._module(sample)
        found = {BOARD: board_of(device, model, module)}
        if module is not None:
            found[MODULE] = module_of(module, model)
        if MEMORY in sample.figures:
            found[MEMORY] = memory_of(device, model)
        return found

    def _module(self, sample: GpuSample) -> str | None:
        if sample.power(MODULE) is None:
            return None
        shared = sample.gpu.serial or (sample.gpu.device if any(a in sample.gpu.name for a in _ALONE) else "")
        if not shared:
            self.ungrouped = True
            return None
        return self._modules.setdefault(shared, f"module:{len(self._modules)}")
