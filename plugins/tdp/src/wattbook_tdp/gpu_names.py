"""From the many spellings of an accelerator's name to one key, and the names that no key may match."""

from __future__ import annotations

import re

from wattbook_tdp.names import clean, refusal

_WORDS = re.compile(
    r"(?:^|(?<= ))(?:nvidia|amd|ati|intel|google|aws|amazon|habana|habanalabs|corporation|corp\.?|inc\.?|geforce|tesla|"
    r"gpu|graphics card|graphics|accelerator|adapter|lite hash rate|lhr|oem|video|rev\.? [a-z0-9]+|"
    r"vga compatible controller:?|3d controller:?|display controller:?|processing accelerators:?|1x)(?= |$)"
)
_LSPCI = re.compile(r"^.*\[([^\[\]]+)\](?: \(rev [0-9a-f]+\))?$")
_RENDERER = re.compile(r"/pcie/sse2$|/integrated/sse2$| \(rev [0-9a-f]+\)$|, revision.*$")
_LAPTOP = re.compile(r"\b(?:laptop gpu|laptop|mobile|notebook|max-q ?/ ?mobile|mobile ?/ ?max-q)\b|\(notebook\)")
_SIZE = re.compile(r"\b(\d+) ?g(?:i?b)?\b")


def gpu_key(name: str) -> str:
    """The key of an accelerator's name, as ``a100 sxm4 40gb``, ``rtx 4090``, ``mi300x``."""
    text = clean(name)
    inside = _LSPCI.match(text)
    text = _RENDERER.sub("", inside[1] if inside else text)
    laptop = _LAPTOP.search(text) is not None
    text = _LAPTOP.sub(" ", text)
    text = re.sub(r"\bwith max-q(?: design)?\b|\bmax-q design\b|/ max-q\b|\bmax-q /", "max-q", text)
    if laptop:
        text = re.sub(r"\bmax-q\b", " ", text)
    text = re.sub(r"[(),/:\-]", " ", text)
    text = " ".join(_WORDS.sub(" ", " ".join(text.split())).split())
    text = re.sub(r"\bgddr\d\w?\b|\bhbm ?(?=2e|3e?|2\b)", lambda m: "hbm" if m[0].startswith("hbm") else " ", text)
    text = _SIZE.sub(r"\1gb", text)
    text = re.sub(r"\b(rtx|gtx|gt|rx|arc|titan|tpu)(?=\d|v\d)", r"\1 ", text)
    text = re.sub(r"\b(?:radeon )?(?:instinct )?mi ?(?=\d)", "mi", text)
    text = re.sub(r"\bquadro (?=rtx a\d)", "", text)
    text = re.sub(r"\b([abm]?\d{3,4})(ti|super|xtx|xt|gre|d|s)\b", r"\1 \2", text) if _consumer(text) else text
    text = re.sub(r"\bgaudi ?(\d)\b", r"gaudi \1", text)
    text = re.sub(r"\bhl (?=\d{3})", "hl", text)
    text = " ".join(text.split())
    return f"{text} laptop" if laptop else text


def _consumer(text: str) -> bool:
    return bool(re.match(r"(?:rtx|gtx|radeon|rx)\b", text))


_REFUSALS = (
    (
        re.compile(r"\bmig\b|\b\d+g\.\d+gb\b"),
        "a MIG slice: only the whole board has a power figure; name the board and count the slice's share",
    ),
    (re.compile(r"-\d+[abcq]e?$|\bvgpu\b"), "a virtual GPU (vGPU): a slice of a board that other guests share"),
    (
        re.compile(r"^(?:nvidia )?grid (?!k1\b|k2\b|k340\b|k520\b)"),
        "a virtual GPU (GRID): a slice of a board that other guests share",
    ),
    (
        re.compile(
            r"graphics device|basic display|basic render|llvmpipe|softpipe|swiftshader|vmware|virtio|"
            r"\bqxl\b|cirrus|bochs|parallels|virtualbox|hyper-v|remote display|aspeed|matrox|\bast2\d00\b|mediatek|mali|adreno"
        ),
        "a generic or virtual display adapter, not a named accelerator",
    ),
    (
        re.compile(
            r"\bu?hd graphics|\biris (?!xe max)|\bvega ?\d{1,2} (?:graphics|mobile)|\bvega (?:graphics|mobile)|\bradeon \d{3}m\b|"
            r"\bradeon \d{4}s\b|^(?:amd |ati )*radeon(?:\(tm\))?(?: r\d)? graphics$|\bgraphics media|^intel(?: corporation)? graphics$|"
            r"^intel arc graphics$|\barc 1\d\d[vt]\b|^apple m\d"
        ),
        "graphics inside a processor: its power is part of the processor's",
    ),
)


def gpu_refusal(name: str) -> str | None:
    """Why this name cannot stand for one whole accelerator, or ``None``."""
    return refusal(name, _REFUSALS)
