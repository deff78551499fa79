"""A group of the command line that knows its commands by name and loads one only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Verbs(click.Group):
    """*verbs* names each command's module in *package* and its line for ``--help``."""

    def __init__(self, *args: Any, verbs: Mapping[str, tuple[str, str]], package: str, **said: Any) -> None:
        super().__init__(*args, **said)
        self.verbs = verbs
        self.package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.verbs:
            return None
        command = importlib.import_module(f"{self.package}.{self.verbs[cmd_name][0]}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.verbs.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.verbs and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.verbs, 1)
            hint = f" Did you mean {near[0]!r}?" if near else f" '{ctx.command_path} --help' lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)
