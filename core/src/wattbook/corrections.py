"""The calibration file of this machine: found, read once, and used by every estimate made here."""

from __future__ import annotations

import json
import os
from functools import lru_cache

from attrs import evolve

from wattbook.calibrating.correction import Corrections, applied, family_of
from wattbook.calibrating.document import from_document
from wattbook.config import user_folder
from wattbook.model import Reading

NAME = "calibration.json"
SYSTEM = f"/etc/wattbook/{NAME}"
ENVIRONMENT = "WATTBOOK_CALIBRATION"  #: a file instead of the usual places; empty for none
MAX_BYTES = 4 << 20  #: no calibration is larger


def corrected(reading: Reading, known: Corrections | None = None) -> Reading:
    """The reading with the correction for its model and family, where this machine (or *known*) has one."""
    known = current() if known is None else known
    if known.problem:
        return evolve(reading, warnings=(*reading.warnings, f"not calibrated: {known.problem}"))
    correction = known.of.get((reading.cause, family_of(reading)))
    return reading if correction is None else applied(reading, correction, known.source)


def current() -> Corrections:
    """The corrections in force here; none where there is no file, or where it is damaged."""
    path = in_force()
    if path is None:
        return NONE
    try:
        about = os.stat(path)
        return _read(path, about.st_mtime_ns, about.st_size)
    except OSError as error:
        return Corrections(problem=f"{path} cannot be read: {error.strerror}")


def in_force() -> str | None:
    """The file that estimates use: ``WATTBOOK_CALIBRATION``, the user's, the system's, or none."""
    named = os.environ.get(ENVIRONMENT)
    if named is not None:
        return named or None
    return next((path for path in (usual(), SYSTEM) if os.path.lexists(path)), None)


def usual() -> str:
    """The user's own file."""
    return os.path.join(user_folder("config"), NAME)


def in_place() -> str:
    """Where a new calibration goes so that it is in force: the file that the environment names, else the user's."""
    return os.environ.get(ENVIRONMENT) or usual()


NONE = Corrections()


@lru_cache(maxsize=4)
def _read(path: str, mtime_ns: int, size: int) -> Corrections:
    """A file of this age and size, so that one that is changed is read again."""
    try:
        if not os.path.isfile(path):
            raise ValueError("it is no file")
        if size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
        with open(path, "rb") as stream:
            return from_document(json.loads(stream.read(MAX_BYTES)))[1]
    except RecursionError:
        return Corrections(problem=f"{path}: it is no calibration of wattbook")
    except json.JSONDecodeError as error:
        return Corrections(problem=f"{path}: it is not JSON ({error.msg}, line {error.lineno})")
    except (ValueError, OSError) as error:
        return Corrections(problem=f"{path}: {error}")
