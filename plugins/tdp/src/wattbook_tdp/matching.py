"""Identify a chip by its name: the exact key, or a refusal that says what an estimate would use instead."""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

from wattbook_tdp import constants as c
from wattbook_tdp.catalogue import ChipFacts, lookup
from wattbook_tdp.gpu_names import gpu_key, gpu_refusal
from wattbook_tdp.makers import prior
from wattbook_tdp.names import ARCHITECTURES, clean, cpu_key, refusal

MAX_NAME = 128


@frozen(kw_only=True)
class Match:
    """A chip's facts, or the reason why the name stands for none."""

    kind: str | None = None
    facts: ChipFacts | None = None
    prior: ChipFacts | None = None  #: a family whose forms differ in power, where the name does not say which
    reason: str = ""

    @property
    def tdp_w(self) -> float | None:
        return None if self.facts is None else self.facts.tdp_w


@lru_cache(maxsize=16_384)
def match(name: str, kind: str | None = None) -> Match:
    """*name* as a processor, as an accelerator, or (``None``) as whichever it is."""
    if not name.strip():
        return Match(kind=kind, reason="the name is empty")
    if len(name) > MAX_NAME:
        return Match(kind=kind, reason=f"a chip's name has at most {MAX_NAME} characters")
    if kind == "cpu":
        return match_cpu(name)
    if kind in ("gpu", "accelerator"):
        return match_gpu(name)
    cpu, gpu = match_cpu(name), match_gpu(name)
    if gpu.facts is not None or gpu.prior is not None:
        return gpu if cpu.facts is None or not _names_vendor(name) else cpu
    if cpu.facts is not None:
        return cpu
    return gpu if looks_like_gpu(name) else cpu


def _names_vendor(name: str) -> bool:
    return not {"intel", "amd", "apple"}.isdisjoint(clean(name).split())


_GPU_WORDS = re.compile(
    r"nvidia|geforce|tesla|quadro|\brtx\b|\bgtx\b|radeon (?:rx|pro|vii|instinct)|instinct|gaudi|\btpu\b|"
    r"graphics|\bgpu\b|\barc\b|jetson|\bmig\b|titan|trainium|inferentia"
)
_WITH_GRAPHICS = re.compile(r"(?:with|w/) .*graphics|apu|ryzen|athlon|\ba\d+-")


def looks_like_gpu(name: str) -> bool:
    text = clean(name)
    return "nvidia" in text or (bool(_GPU_WORDS.search(text)) and not _WITH_GRAPHICS.search(text))


def match_cpu(name: str) -> Match:
    key = cpu_key(name)
    facts = None if key.isdigit() and not _names_vendor(name) else lookup("cpu", key)
    if facts is None or not _same_vendor(name, facts):
        why = cpu_refusal(name) or "no chip of this name in the catalogue"
        return Match(kind="cpu", reason=f"{why}; {prior(name)}")
    if facts.tdp_w is None:
        return Match(kind="cpu", reason=f"{facts.name}: {facts.note}; {prior(name)}")
    return Match(kind="cpu", facts=facts, reason=_how(facts))


def match_gpu(name: str) -> Match:
    refused = gpu_refusal(name)
    if refused:
        return Match(kind="gpu", reason=refused)
    facts = lookup("gpu", gpu_key(name))
    if facts is None:
        return Match(
            kind="gpu",
            reason="no accelerator of this name in the catalogue",
        )
    if facts.tdp_w is None and facts.low_w is not None and facts.high_w is not None:
        prior = f"an estimate would use {facts.low_w:g} to {facts.high_w:g} W"
        return Match(kind=facts.kind, prior=facts, reason=f"{facts.name}: {facts.note}; {prior}")
    if facts.tdp_w is None:
        return Match(kind=facts.kind, reason=f"{facts.name}: {facts.note}")
    return Match(kind=facts.kind, facts=facts, reason=_how(facts))


_CPU_REFUSALS = (
    (
        re.compile(r"qemu|kvm|virtual|bochs|hypervisor|vmware|\btcg\b|firecracker|^do-|^apple (?:processor|silicon)$"),
        "a virtual processor",
    ),
    (re.compile(rf"\b(?:{ARCHITECTURES})\b|\bno tsx\b|\bibrs\b|\bibpb\b"), "an architecture, as hypervisors print it"),
    (
        re.compile(r"\bclass\b|\dxx\b|\bfamily \d+ model \d+|^x86|^i[3-6]86$|^amd64$|^aarch64|^arm(?:64)?$"),
        "a class, not a chip",
    ),
    (
        re.compile(r"\bcpu 0000\b|\beng(?:ineering)? sample|\bes\d?$|\bqs$|confidential|\b0000\b"),
        "an engineering sample",
    ),
    (
        re.compile(
            r"\bneoverse\b|\bcortex\b|^armv?\d|\bpower\d|\bpowerpc|\baltivec\b|^ibm\b|s390|risc|\bmips|loongson|"
            r"^bcm\d|sun4|ultrasparc|^rev \d|\bthunderx"
        ),
        "a core design or class, not a chip with a known power",
    ),
)


def cpu_refusal(name: str) -> str | None:
    """Why this name cannot stand for one processor, or ``None``."""
    return refusal(name, _CPU_REFUSALS)


def _same_vendor(name: str, facts: ChipFacts) -> bool:
    asked, found = clean(name), clean(facts.name)
    for vendor in ("intel", "amd", "apple", "ampere"):
        if vendor in asked.split() and facts.kind == "cpu":
            others = {"intel", "amd", "apple", "ampere"} - {vendor}
            return not others & set(found.split())
    return True


def _how(facts: ChipFacts) -> str:
    parts = ["exact after normalising the name"]
    if facts.confidence == "unofficial":
        parts.append(f"no vendor published this figure: ±{c.UNOFFICIAL_TDP:.0%}")
    if facts.low_w is not None and facts.high_w is not None:
        parts.append(f"rated {facts.low_w:g} to {facts.high_w:g} W")
    if facts.note:
        parts.append(facts.note)
    return "; ".join(parts)
