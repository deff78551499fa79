"""What powermetrics and sudo say when they fail, as sentences for a user."""

from __future__ import annotations

import re

from attrs import frozen


@frozen(kw_only=True)
class Explained:
    """A message that we know: why it comes and what helps; harmless ones do not explain a failure."""

    pattern: re.Pattern[str]
    reason: str
    remedy: str = ""
    harmless: bool = False


def _known(pattern: str, reason: str, remedy: str = "", *, harmless: bool = False) -> Explained:
    return Explained(pattern=re.compile(pattern), reason=reason, remedy=remedy, harmless=harmless)


KNOWN = (
    _known(
        r"must be invoked as the superuser",
        "powermetrics was not run as root and printed nothing",
        "run it as root",
    ),
    _known(
        r"sudo: .*(?:password is required|terminal is required|not allowed|may not run)|is not in the sudoers file",
        "sudo refused to run powermetrics without a password",
        "allow exactly this command in sudoers",
    ),
    _known(
        r"powermetrics: (?:invalid option|unrecognized order)",
        "this powermetrics knows other options: -u and -o changed their meaning with macOS 12",
        "use only -s -i -n -f -b -a and read the standard output",
    ),
    _known(
        r"powermetrics: unrecognized sampler",
        "this powermetrics does not know one of the samplers that were asked for",
        "ask for cpu_power,gpu_power only",
    ),
    _known(
        r"IODeviceTree:/arm-io/pmgr",
        "this is a macOS guest: a virtual machine has no power figures",
        "measure on the host",
    ),
    _known(
        r"Assertion failed: .*cpu_power",
        "powermetrics aborted, as it does on some beta versions of macOS",
        "update macOS",
    ),
    _known(
        r"Second underflow occured|proc_pidpath \d+ failed",
        "only harmless messages of powermetrics",
        "record its standard output",
        harmless=True,
    ),
)


def explain(text: str) -> Explained | None:
    """The first known failure in *text*, else the first known harmless message, else nothing."""
    found = [known for known in KNOWN if known.pattern.search(text)]
    return next((known for known in found if not known.harmless), found[0] if found else None)
