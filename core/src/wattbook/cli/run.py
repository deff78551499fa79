"""``wattbook run``: its options, as every spelling of them is read, refused and explained."""

from __future__ import annotations

from typing import Any

import click

from wattbook.cli.common import common_options
from wattbook.cli.run_words import INTERVAL_S, MODES, PHASES, POLICIES, fits, lasts, refusal
from wattbook.cli.running import run
from wattbook.units import parse_work


class AfterDashes(click.Command):
    """A command whose own options end at ``--``; what follows is passed on unread."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            args, ctx.meta["command"] = args[:cut], args[cut + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


def _printable(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not fits(value):
        raise click.BadParameter("it is one line of up to 200 printable characters", ctx, param)
    return value


def _tags(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    for value in values:
        if "=" not in value or not value.partition("=")[0].strip():
            raise click.BadParameter(f"{value!r} is not KEY=VALUE", ctx, param)
        _printable(ctx, param, value)
    return {key: text for key, _, text in (value.partition("=") for value in values)}


def _interval(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not lasts(value):
        raise click.BadParameter("it is more than 0 and at most 3600 seconds", ctx, param)
    return value


def _work(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and parse_work(value) is None:
        raise click.BadParameter("it is a number above 0, and what of: 1000:token", ctx, param)
    return value


@click.command("run", cls=AfterDashes, short_help="Run one command and book its energy and carbon.")
@click.option("--project", metavar="P", envvar="WATTBOOK_PROJECT", callback=_printable, help="What it is for.")
@click.option("--phase", type=click.Choice(PHASES), envvar="WATTBOOK_PHASE", help="Which kind of work it is.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, callback=_tags, help="A label of your own; repeatable.")
@click.option("--site", metavar="NAME", callback=_printable, help="The configured site of this machine.")
@click.option("--interval", "interval_s", metavar="S", type=float, default=INTERVAL_S, callback=_interval,
              show_default=True, help="Seconds between two polls: what a crash can cost.")  # fmt: skip
@click.option(
    "--attribute",
    type=click.Choice(MODES),
    help="Book the machine's energy, or only what the command's processes caused.  [default: machine]",
)
@click.option(
    "--idle",
    type=click.Choice(POLICIES),
    help="Whose standing power is: divided by use, by what is reserved, or nobody's.  [default: used]",
)
@click.option("--units", metavar="N[:NAME]", callback=_work, help="How much work it does, such as 1000:token.")
@click.option("-o", "--output", metavar="FILE", help="Write the JSON document to FILE.")
@common_options
@click.argument("forgotten", nargs=-1, metavar="")
def command(forgotten: tuple[str, ...], quiet: bool, as_json: bool, output: str | None, **options: Any) -> None:
    """Run one command and book its energy and carbon.

    The command's streams, signals and exit code are its own.  A summary follows on stderr when it has ended.
    """
    argv = click.get_current_context().meta.get("command", [])
    if forgotten or not argv:
        example = " ".join(forgotten or ("python", "train.py"))
        raise click.UsageError(f"Put '--' before the command, as in: wattbook run [OPTIONS] -- {example}")

    refused = refusal(options["ledger"], options["config"])
    if refused:
        raise click.UsageError(refused)
    run(argv, quiet=quiet, as_json=as_json, output=output, **options)
