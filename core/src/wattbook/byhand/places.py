"""Where a described job ran: its cloud region's grid, else the site's."""

from __future__ import annotations

from wattbook.byhand.machine import Undescribed
from wattbook.config import Config
from wattbook.factors import zone_of_region
from wattbook.host import place
from wattbook.records import Place


def place_of(region: str | None, config: Config, site: str | None = None) -> Place:
    """A region that is configured as a site is that site; raises ``Undescribed`` for an unknown one."""
    if region is None:
        return place(config, site)
    if region in config.sites:
        return place(config, region)
    zone = zone_of_region(region)
    if zone is None:
        raise Undescribed(
            f"no grid zone is known for the region {region!r}: configure sites.{region} with its zone", field="region"
        )
    return Place(site=region, zone=zone)
