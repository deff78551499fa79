"""From the many spellings of a processor's name to one key: exact after this, or no match at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: how the signs look after a file was read in the wrong encoding
_MOJIBAKE = (("â„¢", " "), ("Â®", " "), ("Â ", " "), ("Ã‚Â®", " "), ("ï¿½", " "), ("�", " "))
_SIGNS: dict[int, str | None] = {
    **str.maketrans(
        {"®": " ", "™": " ", "©": " ", "℗": " ", "\x00": " ", "_": " ", "‐": "-", "‑": "-", "–": "-", "−": "-"}
    ),
    # characters without a width, which web pages put into names
    **dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD)),
}
_MARKS = re.compile(r"\((?:r|tm|c)\)", re.IGNORECASE)

#: names of architectures; alone they name no chip
ARCHITECTURES = (
    "nehalem|westmere|sandy ?bridge|ivy ?bridge|haswell|broadwell|skylake|cascade ?lake|cooper ?lake|ice ?lake|"
    "sapphire ?rapids|emerald ?rapids|granite ?rapids|sierra ?forest|clearwater ?forest|diamond ?rapids|"
    "knights ?(?:mill|landing)|kaby ?lake|coffee ?lake|alder ?lake|raptor ?lake|snow ?ridge|denverton|conroe|merom|"
    "penryn|naples|rome|milan|genoa|bergamo|siena|turin|dhyana"
)
_COUNT_WORDS = "dual|two|triple|three|quad|four|six|hexa|eight|octa|ten|twelve|sixteen"
_CPU_NOISE = re.compile(
    r"@.*$|,? ?~.*$|, \d+ ?mhz.*$"
    r"|× ?\d+$|\(\d+\)"
    rf"|\((?:{ARCHITECTURES})\)"
    r"|\b\d+(?:\.\d+)?\s*[gm]hz\b"
    r"|\(\s*\d+ (?:processors|cpus|sockets)\s*\)"
    rf"|\b(?:\d+|{_COUNT_WORDS})[ -]?cores?\b"
    r"|\b(?:with|w/)[ ]?(?:amd |ati )?(?:radeon|rtx|vega|hd graphics|uhd|iris|wraith|near silent|npu|ipu|intel).*$"
    r"|\bradeon\b.*$|\br\d,? \d+ compute cores.*$|,? \d+ compute cores.*$"
    r"|\b\d+(?:st|nd|rd|th)[ -]gen(?:eration)?\b"
    r"|\b(?:black|creator|extreme|microsoft surface|surface|special|anniversary) edition\b"
    r"|\(\d+ ?w\)|\((?:f3|c2|oem)\)|\bbe$"
    r"|\bdesktop kit\b|\boem only\b|\bx-series\b|\bfor mobile\b|\bmobile technology\b"
)
_CPU_WORDS = re.compile(
    r"(?:^|(?<= ))(?:cpu|processors?|apu|soc|emb|embedded|amd|intel|genuine|genuineintel|authenticamd|corporation|series)(?= |$)"
)
_DASHES = re.compile(r" ?- | -(?=\w)")
_PLUS = re.compile(r" (?=\+)")
_BARE_XEON = re.compile(r"e[357]-?\d{4}|(?:gold|silver|platinum|bronze) \d{4}")
_TIERS = re.compile(r"\b(?:gold|silver|platinum|bronze)\b")
_FIRST_GENERATION = {"m": "m", "q": "qm", "u": "um", "l": "lm", "s": "s", "k": "k", "e": "e"}


def refusal(name: str, refusals: Iterable[tuple[re.Pattern[str], str]]) -> str | None:
    """The reason of the first pattern that the cleaned name holds, or ``None``."""
    text = clean(name)
    return next((reason for pattern, reason in refusals if pattern.search(text)), None)


@lru_cache(maxsize=8)
def clean(name: str) -> str:
    """Lower case ASCII-like text: signs, odd blanks and mangled encodings gone."""
    if name.isascii():
        plain = name.replace("\x00", " ").replace("_", " ")
    else:
        for wrong, right in _MOJIBAKE:
            name = name.replace(wrong, right)
        plain = unicodedata.normalize("NFKC", _MARKS.sub(" ", name.translate(_SIGNS)))
    return " ".join((_MARKS.sub(" ", plain) if "(" in plain else plain).lower().split())


def without_tier(key: str) -> str:
    """The key without *gold* and the like, for people who leave it out; not unique (Xeon 5120, Xeon Gold 5120)."""
    return " ".join(_TIERS.sub(" ", key).split())


def cpu_key(name: str) -> str:
    """The key of a processor's name, as ``xeon e5-2680v4``, ``i7-9750h``, ``epyc 7763``."""
    text = clean(name)
    if "coret" in text:  # the sign printed as a plain T
        text = re.sub(r"\bcoret\b", "core", text)
    text = _CPU_NOISE.sub(" ", text).replace("(", " ").replace(")", " ")
    text = " ".join(text.split())
    text = " ".join(_CPU_WORDS.sub(" ", text).split())
    if "-" in text or "+" in text:
        text = _PLUS.sub("", _DASHES.sub("-", text))
    text = text.strip(" -,")
    if _BARE_XEON.match(text):
        text = f"xeon {text}"
    for family, rule in _RULES:
        if family in text:
            text = rule(text)
    return text


def _pentium(text: str) -> str:
    return re.sub(r"\b(pentium|celeron) dual(?= )", r"\1", text)


def _core(text: str) -> str:
    text = re.sub(r"\bcore ?2\b", "core2", text)
    if "core2" in text:
        model = re.search(r"\b([a-z]{0,2}\d{4}[a-z]?)\b", text)
        if not model:
            return text
        digits = model[1]
        return f"core2 {'e' + digits if digits.isdigit() else digits.removeprefix('s') if digits[:2] in _SMALL else digits}"
    return re.sub(r"\bcore (?=i[3579]\b|ultra\b|m[357]?-)", "", text)


_SMALL = {"su", "sl", "sp"}  # small packages print the model without their S


def _i_series(text: str) -> str:
    found = re.fullmatch(r"(i[3579])[- ](?:([a-z]) )?([a-z]?\d[a-z0-9]*)(?: ([a-z]{1,3}))?", text)
    if not found:
        return text
    series, letter, number, after = found.groups()
    if letter == "x":
        suffix = "xm" if number in ("920", "940") else "x"
    else:
        suffix = _FIRST_GENERATION.get(letter or "", letter or "")
    return f"{series}-{number}{suffix}{after or ''}"


def _xeon(text: str) -> str:
    text = re.sub(r" v ?(\d)\b", r"v\1", text)
    text = re.sub(r"\bxeon (e[357])(12\d\d l?)", r"xeon \1-\2", text)
    text = re.sub(r"\bxeon (e3)(12\d\d[l]?)\b", r"xeon \1-\2", text)
    text = re.sub(r"\b(e[357]|w\d?|d|e) (?=\d{3,})", r"\1-", text)
    text = re.sub(r"\b(e[357]-\d{4}[a-z]?) 0$", r"\1", text)
    text = re.sub(r"\bxeon 6 (?:performance |efficient )?(?=\d{4}[pe])", "xeon ", text)
    return re.sub(r"\bxeon cpu max\b", "xeon max", text)


def _ryzen(text: str) -> str:
    text = text.replace("threadripper pro", "threadripper").replace("ryzen threadripper", "threadripper")
    text = re.sub(r"\bryzen pro (\d)\b", r"ryzen \1 pro", text)
    text = re.sub(r"\bmax ?\+", "max+", text)
    return re.sub(r"\bhx pro\b", "pro hx", text)


def _opteron(text: str) -> str:
    return re.sub(r"(\d) (he|se|ee)\b", r"\1\2", re.sub(r"\bopteron x2 (?=\d{3})", "opteron ", text))


def _k8_to_k10(text: str) -> str:
    """The number of cores is in some systems' names and not in others'; the model says it anyway."""
    text = re.sub(r"\b(ii|phenom|athlon|turion(?: 64)?) x[2346] (?=[a-z]{1,2}-?\d|\d+[a-z]?\b)(?!\d+\+)", r"\1 ", text)
    text = re.sub(r"\bturion (?:64 )?(?:x2 )?(?:ultra )?(?:mobile )?(?=[a-z]{2}-\d\d)", "turion ", text)
    return re.sub(r"\b(athlon|sempron)(?: x2)?(?: mobile)? (?=[a-z]{2}-\d\d)", r"\1 ", text)


def _a_series(text: str) -> str:
    text = re.sub(r"\bpro (?=a\d+-)", "", text)
    return re.sub(r"\b(a\d+) pro-", r"\1-", text)


_RULES = (
    ("core", _core),
    ("i", _i_series),
    ("xeon", _xeon),
    ("dual", _pentium),
    ("ryzen", _ryzen),
    ("threadripper", _ryzen),
    ("opteron", _opteron),
    ("phenom", _k8_to_k10),
    ("athlon", _k8_to_k10),
    ("turion", _k8_to_k10),
    ("sempron", _k8_to_k10),
    ("pro", _a_series),
)
