"""``python -m wattbook`` is the ``wattbook`` command."""

from wattbook.cli import entry

entry()
