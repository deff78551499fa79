"""Which machine a text of a bill means; exact names only, and a reason where there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from wattbook_csp.bills.hours import Machine

PROVIDERS = (
    (re.compile(r"amazon|aws", re.I), "aws"),
    (re.compile(r"google|gcp", re.I), "gcp"),
    (re.compile(r"microsoft|azure", re.I), "azure"),
    (re.compile(r"oracle|\boci\b", re.I), "oci"),
)
_AWS_TYPE = re.compile(
    r"\b((?:ml\.|db\.|cache\.)?[a-z][a-z0-9-]{1,14}\.(?:nano|micro|small|medium|large|\d*xlarge|metal(?:-\w+)?))\b"
)
_AZURE_METER = re.compile(r"(?:.* - )?([A-Z]{1,3}\d[\w-]*(?: [\w]+)*?)(?:/.*)?(?: (?:Spot|Low Priority))?(?: - .*)?")
_GCP_GPU = re.compile(r"(?:Spot Preemptible |Preemptible |DWS Defined Duration |Reserved )?(nvidia .+?) GPU\b", re.I)
_GCP_CORE = re.compile(r"\b(?:Instance|Custom|Predefined|Memory-optimized|Compute optimized) Core\b|\bvCPU\b", re.I)
_MEMORY = re.compile(r"\b(?:ram|memory|gib|gb)\b", re.I)
_MACHINE = re.compile(r"\binstances?\b|virtual machine|\bvms?\b|\bgpu\b|\btpu\b|ocpu|bare metal|dedicated host", re.I)

#: what Google calls its accelerators, as their makers do (cloud.google.com/compute/docs/gpus)
GOOGLE_GPUS = {
    "nvidia tesla k80": "Tesla K80",
    "nvidia tesla p4": "Tesla P4",
    "nvidia tesla p100": "Tesla P100-PCIE-16GB",
    "nvidia tesla t4": "Tesla T4",
    "nvidia tesla v100": "Tesla V100-SXM2-16GB",
    "nvidia tesla a100": "NVIDIA A100-SXM4-40GB",
    "nvidia tesla a100 80gb": "NVIDIA A100-SXM4-80GB",
    "nvidia a100 80gb": "NVIDIA A100-SXM4-80GB",
    "nvidia l4": "NVIDIA L4",
    "nvidia h100 80gb": "NVIDIA H100 80GB HBM3",
    "nvidia h100 80gb plus": "NVIDIA H100 80GB HBM3",
    "nvidia h200 141gb": "NVIDIA H200",
    "nvidia b200": "NVIDIA B200",
}


MAX_TEXT = 300  #: a longer description is cut; what names a machine stands at its beginning


@lru_cache(maxsize=4096)
def provider_of(name: str) -> str:
    """``aws`` of ``Amazon Web Services, Inc.``; a name that nobody knows stays, in lower case."""
    for pattern, short in PROVIDERS:
        if pattern.search(name):
            return short
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@lru_cache(maxsize=16_384)
def from_aws(text: str) -> Machine | None:
    """The one type that a description or a usage type names."""
    found = set(_AWS_TYPE.findall(text))
    if len(found) == 1:
        return Machine(instance=found.pop())
    if "Fargate" in text:
        return None if _MEMORY.search(text) else Machine(threads=1)
    return _unnamed(text)


@lru_cache(maxsize=16_384)
def from_azure(meter: str) -> Machine | None:
    """``Standard_NC48ads_A100_v4`` of the meter ``NC48ads A100 v4``; sizes that share a meter are equal."""
    found = _AZURE_METER.fullmatch(meter.strip())
    if found:
        return Machine(instance=("Standard_" + found[1].replace(" ", "_"))[:100])
    return _unnamed(meter)


@lru_cache(maxsize=16_384)
def from_gcp(sku: str) -> Machine | None:
    """The accelerator or the cores of a SKU; memory is charged apart and is no machine."""
    if sku.lower().startswith("commitment"):
        return None
    gpu = _GCP_GPU.search(sku)
    if gpu:
        name = " ".join(gpu[1].lower().split())
        return Machine(gpu=GOOGLE_GPUS.get(name, gpu[1]))
    if _GCP_CORE.search(sku):
        return Machine(threads=1)
    return None if _MEMORY.search(sku) else _unnamed(sku)


def _unnamed(text: str) -> Machine | None:
    """A machine that nothing names, or none at all, such as an address or a gateway."""
    if _MACHINE.search(text) and not _MEMORY.search(text):
        shown = re.sub(r"^\W*[\d.]+ per ", "", text)[:80]
        return Machine(unmapped=f"the bill does not name the type of machine ({shown})")
    return None


def read_json(text: str) -> Mapping[str, Any]:
    """A cell that holds an object, or the inside of one, as Azure writes it; empty where it is none."""
    text = text.strip()
    if not text or len(text) > 1 << 16:
        return {}
    for candidate in (text, "{" + text + "}"):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def project_of(tags: str, name: str = "project") -> str:
    """The tag that names the project, whatever prefix and case the provider gives it."""
    return _known_project(tags, name) if len(tags) < 1000 else _project(tags, name)


def _project(tags: str, name: str) -> str:
    for key, value in read_json(tags).items():
        plain = re.sub(r"^(?:user|aws|resource_tags)[:_/](?:user[:_/])?", "", key.casefold())
        if plain == name.casefold() and isinstance(value, str):
            return value.strip()
    return ""


_known_project = lru_cache(maxsize=16_384)(_project)
