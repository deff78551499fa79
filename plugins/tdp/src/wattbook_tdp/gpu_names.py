"""From the many spellings of an accelerator's name to one key, and the names that no key may match."""

from __future__ import annotations

import re

from wattbook_tdp.names import clean

_WORDS = re.compile(
    r"(?:^|(?<= ))(?:nvidia|amd|ati|intel|google|habana|corporation|corp|inc|geforce|tesla|gpu|graphics card|"
    r"graphics|accelerator|adapter|lite hash rate|lhr|vga compatible controller|3d controller|1x)(?= |$)"
)
_LSPCI = re.compile(r"^.*\[([^\[\]]+)\](?: \(rev [0-9a-f]+\))?$")
_PCI_REVISION = re.compile(r" \(rev [0-9a-f]+\)$")
_FULL_SIZE = re.compile(r"\b(\d+) ?gi?b\b")


def gpu_key(name: str) -> str:
    """The key of an accelerator's name, as ``a100 sxm4 40gb``, ``rtx 4090``, ``instinct mi300x``."""
    text = clean(name)
    inside = _LSPCI.match(text)
    text = _PCI_REVISION.sub("", inside[1] if inside else text)
    text = re.sub(r"\b(geforce|quadro|tesla) ?(?=(?:rtx|gtx|gt)\b)", r"\1 ", text)
    laptop = " laptop gpu" in text or " mobile" in text or " notebook" in text
    text = re.sub(r" laptop gpu\b| mobile\b| \(notebook\)| laptop\b", " ", text) if laptop else text
    text = re.sub(r"[(),/]", " ", text)
    text = " ".join(_WORDS.sub(" ", " ".join(text.split())).split())
    text = _FULL_SIZE.sub(r"\1gb", text.replace("-", " "))
    text = re.sub(r"\b(rtx|gtx|gt|rx|arc|titan) ?(?=[ab]?\d)", r"\1 ", text)
    text = re.sub(r"\b(?:radeon )?(?:instinct )?mi ?(?=\d)", "mi", text)
    text = re.sub(r"\b(\d{3,4}) ?(ti|super|xt|xtx|gre)\b", r"\1 \2", text)
    text = re.sub(r"\b(ti) ?(super)\b", r"\1 \2", text)
    text = re.sub(r"\bwith max q( design)?\b", "max q", text)
    text = " ".join(text.split())
    return f"{text} laptop" if laptop else text


_REFUSALS = (
    (
        re.compile(r"\bmig\b|\b\d+g\.\d+gb\b", re.IGNORECASE),
        "a MIG slice: only the whole board has a power figure; name the board and count the slice's share",
    ),
    (
        re.compile(r"^(?:nvidia )?(?:grid|quadro|tesla|rtx)?.*-\d+[abcq]$", re.IGNORECASE),
        "a virtual GPU (vGPU): a slice of a board that other guests share",
    ),
    (
        re.compile(r"^(?:nvidia )?grid (?!k1\b|k2\b|k340\b|k520\b)", re.IGNORECASE),
        "a virtual GPU (GRID): a slice of a board that other guests share",
    ),
    (
        re.compile(
            r"graphics device|basic display|basic render|llvmpipe|softpipe|swiftshader|vmware svga|virtio|"
            r"qxl|cirrus|bochs|parallels|virtualbox|hyper-v|remote display|aspeed|matrox|\bast2\d00\b",
            re.IGNORECASE,
        ),
        "a generic or virtual display adapter, not a named chip",
    ),
    (
        re.compile(
            r"\b(?:u?hd graphics|iris|vega \d+ graphics|radeon \d{3}m\b|radeon (?:\d{4}s|graphics)|graphics media)",
            re.IGNORECASE,
        ),
        "graphics inside a processor: its power is part of the processor's",
    ),
)


def gpu_refusal(name: str) -> str | None:
    """Why this name cannot stand for one whole accelerator, or ``None``."""
    text = clean(name)
    for pattern, reason in _REFUSALS:
        if pattern.search(text):
            return reason
    return None
