"""Books that share: parcels through a folder or an object store, and straight into a team's database."""

from __future__ import annotations

from wattbook.sharing.places import Place, open_place
from wattbook.sharing.pulling import Pulled, pull
from wattbook.sharing.pushing import Pushed, push
from wattbook.sharing.servers import patiently, push_to_book

__all__ = ["Place", "Pulled", "Pushed", "open_place", "patiently", "pull", "push", "push_to_book"]
