"""Contracts that plugins run against themselves: subclass one, override its fixtures, inherit its tests."""

from wattbook.testing.builders import a_source, an_activity
from wattbook.testing.contracts import EstimateContract, MeasureContract, PluginContract
from wattbook.testing.importing import ImportContract
from wattbook.testing.reading import RecordingContract
from wattbook.testing.waiting import until

__all__ = [
    "EstimateContract",
    "ImportContract",
    "MeasureContract",
    "PluginContract",
    "RecordingContract",
    "a_source",
    "an_activity",
    "until",
]
