"""The report by the scopes of the GHG Protocol: whose energy it is decides, and a provider's own scopes never do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wattbook.accounting.claims import BILL
from wattbook.config import Config
from wattbook.report.atoms import Atom
from wattbook.report.model import ScopeUse, Share
from wattbook.report.sums import Whole

#: who controls a site -> (scope, why); purchased electricity is scope 2 only where one controls its use
OF_CONTROL: dict[str | None, tuple[str, str]] = {
    "owned": ("2", "electricity bought for sites of our own"),
    "leased": ("2", "electricity bought for sites of our own"),
    "colo": ("2", "electricity bought for sites of our own"),
    "iaas": ("3 category 1", "computing bought as a service, measured or estimated by us"),
    "home": ("3 category 7", "work at home"),
    None: ("2", "electricity of sites that nobody said who controls; ours, if nothing else is configured"),
}
PROVIDED = ("3 category 1", "computing bought as a service, as its provider states it")


def is_billed(atom: Atom) -> bool:
    """Whether it comes from a bill, which says that the machines are somebody else's."""
    return bool(atom.runs) and all(run.startswith(BILL) for run in atom.runs)


def scopes_of(atoms: Iterable[Atom], shares: Sequence[Share], config: Config) -> list[ScopeUse]:
    """Every figure of the total in one scope, scope 2 first; direct emissions (scope 1) are in no source."""
    sites = {site.name: site for site in (*config.sites.values(), config.site)}
    sites |= dict(config.sites)
    groups: dict[tuple[str, str], list[Atom]] = defaultdict(list)
    for atom in atoms:
        site = sites.get(atom.line.place.site)
        control = site.controlled_by if site else "iaas" if is_billed(atom) else None
        groups[OF_CONTROL.get(control, OF_CONTROL[None])].append(atom)
    found = [
        ScopeUse(
            scope=scope,
            what=what,
            total=Whole().add(some).total(),
            sites=tuple(sorted({atom.line.place.site for atom in some})),
        )
        for (scope, what), some in sorted(groups.items())
    ]
    if shares:
        scope, what = PROVIDED
        found.append(ScopeUse(scope=scope, what=what, total=Whole().add((), shares).total(), provided=True))
    return sorted(found, key=lambda use: use.scope)
