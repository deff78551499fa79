"""The family of a chip, by its official name: the chips for which a model errs alike."""

from __future__ import annotations

import re
from functools import lru_cache

_MOBILE = r"(?:[UPHY]|HX|HS|HK|HQ|MQ|QM|MX|UE|HE|PE|GE?\d|V|C|M)\b"
_SCALABLE = {"1": "1st", "2": "2nd", "3": "3rd", "4": "4th", "5": "5th"}


@lru_cache(maxsize=16_384)
def family(name: str) -> str:
    """``AMD EPYC 7003`` of ``AMD EPYC 7763``; a chip without a known scheme is its own family."""
    name = " ".join(name.split())
    for pattern, build in _SCHEMES:
        found = re.search(pattern, name)
        if found:
            return build(found)
    return name


def _numbered(kind: str, number: str, mobile: str | None) -> str:
    return f"{kind} {number}{' mobile' if mobile else ''}"


def _core(found: re.Match[str]) -> str:
    number = found[1]
    if len(number) == 3:
        generation = "1"
    elif len(number) == 5 or number.startswith("1"):  # 13900, and 1365U
        generation = number[:2]
    else:
        generation = number[0]
    return _numbered("Intel Core generation", generation, found[2])


#: patterns are compiled when a chip is named first: a virtual machine names none
_SCHEMES = (
    (r"EPYC(?: Embedded)? (\d)[0-9A-Z]{2}(\d)", lambda m: f"AMD EPYC {m[1]}00{m[2]}"),
    (
        r"Xeon (?:Platinum|Gold|Silver|Bronze) \d([1-5])\d\d",
        lambda m: f"Intel Xeon Scalable, {_SCALABLE[m[1]]} generation",
    ),
    (r"Xeon (?:CPU )?Max 9\d\d\d", lambda m: "Intel Xeon Max"),
    (r"Xeon 6\d\d\d([PE])", lambda m: f"Intel Xeon 6 with {m[1]}-cores"),
    (r"Xeon (E[357])-\d{4}[A-Z]*(?: (v\d))?", lambda m: f"Intel Xeon {m[1]} {m[2] or 'v1'}"),
    (r"Xeon ([WDE])-(\d+)\d\d(?!\d)", lambda m: f"Intel Xeon {m[1]}-{m[2]}00"),
    (rf"Core (?:Ultra )[3579](?: processor)? (?:PRO )?(\d)\d\d({_MOBILE})?",
     lambda m: _numbered("Intel Core Ultra", f"{m[1]}00", m[2])),
    (rf"Core i[3579](?: processor)? ?-?(?:processor )?(\d{{3,5}})({_MOBILE})?", _core),
    (r"Threadripper (?:PRO )?(\d)\d\d\d", lambda m: f"AMD Ryzen Threadripper {m[1]}000"),
    (r"Ryzen AI .*?(\d)\d\d\b", lambda m: f"AMD Ryzen AI {m[1]}00"),
    (
        rf"Ryzen [3579](?: PRO)? (\d)\d\d\d({_MOBILE})?",
        lambda m: _numbered("AMD Ryzen", f"{m[1]}000", m[2]),
    ),
    (r"^(Apple M\d+)", lambda m: m[1]),
    (r"^(Ampere (?:Altra|AmpereOne))", lambda m: m[1]),
    (
        r"^((?:NVIDIA|Tesla|AMD|Intel)\b.*?)[- ](?:SXM\d?|PCIe?\b|OAM\b|HBM\d?|NVL\b|\d+ ?GB).*",
        lambda m: m[1],
    ),
)  # fmt: skip
