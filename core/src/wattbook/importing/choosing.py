"""Find the one importer that fits each file, or say why there is none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from wattbook.errors import ConfigError, ImportFailed
from wattbook.importing.opening import Handed
from wattbook.model import Importer, ImportSource, Problem
from wattbook.plugins import Broken, Plugins

log = logging.getLogger("wattbook")


@frozen(kw_only=True)
class Chosen:
    """Files and the one importer that reads them; one import of the book."""

    plugin: str
    importer: Importer
    files: tuple[Handed, ...]


def choose(
    plugins: Plugins, handed: Sequence[Handed], format: str | None = None
) -> tuple[list[Chosen], tuple[Problem, ...]]:
    """Find the importer of every file, by *format* or by asking each importer whether it knows the file.

    Files of a gathering importer are one import, those of others one each.  A file that nobody knows is
    refused where it was named, and a problem where it came with a folder that holds others.
    """
    offers: list[tuple[str, Importer]] = []
    broken: list[Broken] = []
    for plugin, answer in plugins.ask("import_provided", source=ImportSource(files=tuple(h.file for h in handed))):
        if isinstance(answer, Importer):
            offers.append((plugin, answer))
        elif isinstance(answer, Broken):
            broken.append(answer)
    formats = sorted({offer.format for _, offer in offers})
    if format is not None:
        offers = [(plugin, offer) for plugin, offer in offers if offer.format == format]
        if not offers:
            known = ", ".join(formats) or "no plugin that imports is installed"
            raise ConfigError(f"{format!r} is no format that an installed plugin reads ({known})", where="--format")
    found: dict[tuple[str, str, int], Chosen] = {}
    problems: list[Problem] = []
    recognised: set[Path | None] = set()
    for number, one in enumerate(handed):
        fitting = [(plugin, offer) for plugin, offer in offers if _knows(plugin, offer, one, broken)]
        if format is not None and not fitting and one.folder is None and one.file.head:
            fitting = offers
        if len(fitting) > 1:
            names = " and ".join(f"{offer.format} ({plugin})" for plugin, offer in fitting)
            raise ImportFailed(f"{names} both recognise this file: say which with --format", path=one.shown)
        if not fitting:
            reason = _unknown(one, formats if format is None else [format], broken)
            if one.folder is None:
                raise ImportFailed(reason, path=one.shown)
            problems.append(Problem(reason="left out: no importer recognises this file", path=one.shown))
            continue
        recognised.add(one.folder)
        plugin, offer = fitting[0]
        key = (plugin, offer.format, -1 if offer.gathers else number)
        before = found[key].files if key in found else ()
        found[key] = Chosen(plugin=plugin, importer=offer, files=(*before, one))
    for folder in dict.fromkeys(one.folder for one in handed):
        if folder is not None and folder not in recognised:
            first = next(one for one in handed if one.folder == folder)
            raise ImportFailed(f"no file in this folder is recognised; {_unknown(first, formats, broken)}", path=folder)
    return list(found.values()), tuple(problems)


def _knows(plugin: str, offer: Importer, one: Handed, broken: list[Broken]) -> bool:
    if not one.file.head:
        return False
    try:
        return bool(offer.sniff(one.file))
    except Exception as error:
        log.debug("%s: sniff of %s failed", plugin, offer.format, exc_info=True)
        failed = Broken.from_error(plugin, f"sniff of {offer.format}", error)
        if failed not in broken:
            broken.append(failed)
        return False


def _unknown(one: Handed, formats: Sequence[str], broken: Sequence[Broken]) -> str:
    if not one.file.head:
        return "this file is empty"
    if not formats:
        reason = "no installed plugin imports files"
    else:
        reason = f"no importer recognises {one.file.path.name if one.folder else 'this file'}; expected one of {', '.join(formats)}"
    return reason + "".join(f"; {b.plugin} is broken ({b.reason})" for b in broken)
