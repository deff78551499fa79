"""The group of all verbs: what click reads and explains."""

from __future__ import annotations

import click

from wattbook import __version__
from wattbook.cli import VERBS
from wattbook.cli.verbs import Verbs


@click.group(cls=Verbs, verbs=VERBS, package="wattbook.cli", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wattbook")
def main() -> None:
    """The carbon book of an ML engineering team: provided, measured and estimated, never mixed up."""
