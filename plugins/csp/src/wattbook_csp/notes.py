"""What an importer noticed on its way: problems, each once, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import define, field
from wattbook import Problem

MAX_OF_A_KIND = 50  #: further ones are counted


@define
class Notes:
    """Collects problems; a second walk over the same rows adds nothing."""

    _seen: dict[tuple[str, str | None, int | None], None] = field(factory=dict, init=False)
    _more: dict[str, set[int]] = field(factory=dict, init=False)
    _kinds: dict[str, int] = field(factory=dict, init=False)

    def add(self, reason: str, *, path: Path | None = None, line: int | None = None, kind: str = "") -> None:
        place = (reason, None if path is None else str(path), line)
        kind = kind or reason
        if place in self._seen:
            return
        if self._kinds.get(kind, 0) < MAX_OF_A_KIND:
            self._kinds[kind] = self._kinds.get(kind, 0) + 1
            self._seen[place] = None
        else:
            self._more.setdefault(kind, set()).add(hash(place))

    def problems(self) -> Iterator[Problem]:
        for reason, path, line in self._seen:
            yield Problem(reason=reason, path=path, line=line)
        for kind, places in self._more.items():
            yield Problem(reason=f"{kind}: {len(places)} more")
