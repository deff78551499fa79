"""Write docs/cli.md from the commands themselves: ``python tools/cli_reference.py``; ``--check`` only compares."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
from wattbook.cli import VERBS
from wattbook.cli.verbs import Verbs

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
COMMON = ("json", "quiet", "config", "ledger", "help")
HEAD = """# The command line

Made from the commands by `python tools/cli_reference.py`; a test compares.

Every verb takes these:

| option | |
|---|---|
| `--ledger URL` | The book: a file or a database URL; else `WATTBOOK_LEDGER`, else the user's own. |
| `--config FILE` | Read this configuration instead of the usual places. |
| `--json` | One JSON document on stdout, keys with units; unknown is `null`, never 0. |
| `--quiet`, `-q` | No messages on stderr but errors. |
| `--help`, `-h` | What follows here. |

Exit codes: 0 done, 1 refused or failed with a sentence, 2 wrong usage; `run` has that of its command.
"""
#: one line for each verb that a reader can try
EXAMPLES = {
    "run": "wattbook run --project ner --phase train --units 1e6:token -- python train.py",
    "watch": "wattbook watch --json",
    "service": "wattbook service --help",
    "doctor": "wattbook doctor",
    "log": "wattbook log --hours 36 --gpu A100-SXM4-40GB --gpu-count 4 --gpu-util 60..80 --project ner",
    "import": "wattbook import turbostat.txt --host gpu-server",
    "report": "wattbook report --month 2026-10 --format html -o october.html",
    "whatif": "wattbook whatif region FI --month 2026-10",
    "export": "wattbook export ghg --month 2026-10 --format csv -o october.csv",
    "explain": "wattbook explain last",
    "chip": "wattbook chip 'AMD EPYC 7763 64-Core Processor'",
    "estimate": "wattbook estimate --hours 36 --util 40..60 --tdp 280 --memory-gb 256",
    "ledger show": "wattbook ledger show --last 5",
    "ledger verify": "wattbook ledger verify",
    "ledger export": "wattbook ledger export -o book.jsonl",
    "plugins": "wattbook plugins",
    "demo": "wattbook demo --html out.html",
}


def page() -> str:
    """The whole page; the same commands give the same text."""
    return HEAD + "".join(_verb("", name, command) for name, command in _commands(VERBS, "wattbook.cli"))


def _commands(verbs: Mapping[str, tuple[str, str]], package: str) -> Iterator[tuple[str, click.Command]]:
    for name, (module, _) in verbs.items():
        yield name, importlib.import_module(f"{package}.{module}").command


def _verb(before: str, name: str, command: click.Command) -> str:
    path = f"{before} {name}".strip()
    parts = [f"\n{'#' * (2 + path.count(' '))} wattbook {path}\n"]
    if isinstance(command, Verbs):
        parts.append(f"\n{_prose(command)}\n")
        parts += [_verb(path, inner, one) for inner, one in _commands(command.verbs, command.package)]
        return "".join(parts)
    context = click.Context(command, info_name=f"wattbook {path}")
    pieces = " ".join(filter(None, command.collect_usage_pieces(context)))
    parts.append(f"\n```\nwattbook {path} {pieces}\n```\n\n{_prose(command)}\n")
    rows = [_row(option) for option in command.params if _told(option)]
    if rows:
        parts.append("\n| option | |\n|---|---|\n" + "\n".join(rows) + "\n")
    if path in EXAMPLES:
        parts.append(f"\nExample: `{EXAMPLES[path]}`\n")
    return "".join(parts)


def _told(parameter: click.Parameter) -> bool:
    if not isinstance(parameter, click.Option) or parameter.hidden:
        return False
    return not any(name.lstrip("-") in COMMON for name in parameter.opts)


def _row(option: click.Parameter) -> str:
    assert isinstance(option, click.Option)
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    value = ""
    if not option.is_flag:
        choices = option.type.choices if isinstance(option.type, click.Choice) else ()
        told = option.metavar or ("|".join(map(str, choices)) if choices else option.type.name.upper())
        value = f" `{told}`"
    says = " ".join((option.help or "").split())
    notes = ["repeatable"] if option.multiple else []
    notes += ["required"] if option.required else []
    notes += [f"environment: `{option.envvar}`"] if isinstance(option.envvar, str) else []
    if option.show_default and option.default is not None:
        notes.append(f"default: {option.default}")
    extra = f" ({'; '.join(notes)})" if notes else ""
    return f"| {names}{_escaped(value)} | {_escaped(says)}{_escaped(extra)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _prose(command: click.Command) -> str:
    """The help as Markdown: a paragraph a line, and what is set in columns as it stands."""
    paragraphs = []
    for block in (command.help or "").strip().split("\n\n"):
        if block.startswith("\b"):
            paragraphs.append("```\n" + block.lstrip("\b").strip("\n") + "\n```")
        else:
            paragraphs.append(" ".join(block.split()).replace("<", "&lt;"))
    return "\n\n".join(paragraphs)


def main() -> int:
    made = page()
    if "--check" in sys.argv[1:]:
        same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == made
        if not same:
            print(f"{PAGE.name} is not what the commands say: python tools/cli_reference.py writes it again")
        return 0 if same else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
