"""``wattbook plugins``: what is installed."""

from __future__ import annotations

import sys

import click

from wattbook.cli.common import common_options, print_json, tell


@click.command("plugins", short_help="List the installed plugins and their hooks.")
@common_options
def command(ledger: str | None, config: str | None, quiet: bool, as_json: bool) -> None:
    """List the installed plugins and their hooks; those that fail to load are shown with the reason."""
    from wattbook.config import load
    from wattbook.plugins import installed

    plugins = installed(load(config).plugins)
    rows = [
        {"plugin": name, "version": plugins.versions.get(name), "hooks": plugins.hooks(name), "broken": None}
        for name in plugins.names
    ]
    rows += [
        {"plugin": b.plugin, "version": plugins.versions.get(b.plugin), "hooks": [], "broken": b.reason}
        for b in plugins.broken
    ]
    if as_json:
        print_json({"plugins": rows})
    else:
        for row in rows:
            hooks = row["hooks"]
            assert isinstance(hooks, list)
            tell(f"{row['plugin']:<16} {row['version'] or '-':<10} {row['broken'] or ', '.join(hooks)}")
        if not rows:
            click.echo("No plugin is installed; pip install wattbook-tdp is a good first one.")
    if plugins.broken:
        sys.exit(1)
