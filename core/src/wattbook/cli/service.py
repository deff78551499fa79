"""``wattbook service print``: a unit of the system's service manager that keeps the watch running."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import Any

import click

SERVERS = ("postgresql:", "postgres:", "postgresql+")  #: how the URL of a book begins that needs the network
OFFLINE = "PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX"
ONLINE = "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"
SYSTEMD_SYSTEM = """\
# as root: wattbook service print systemd > /etc/systemd/system/wattbook.service
#          systemctl daemon-reload && systemctl enable --now wattbook
# What it recorded: WATTBOOK_STATE=/var/lib/wattbook wattbook report (as root)
[Unit]
Description=wattbook: the energy book of this machine
After=local-fs.target time-sync.target

[Service]
ExecStart={command}
Restart=always
RestartSec=10
# a user that exists only while it runs; it may read power counters, and nothing else that others may not
DynamicUser=yes
StateDirectory=wattbook
# what the machine draws while it is idle, for runs of all users
RuntimeDirectory=wattbook
Environment=WATTBOOK_STATE=/var/lib/wattbook
AmbientCapabilities={capabilities}
CapabilityBoundingSet={capabilities}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
{network}
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
UMask=0077
Nice=10
CPUQuota=5%
MemoryMax=128M

[Install]
WantedBy=multi-user.target
"""
SYSTEMD_USER = """\
# wattbook service print systemd --user > ~/.config/systemd/user/wattbook.service
# systemctl --user daemon-reload && systemctl --user enable --now wattbook
[Unit]
Description=wattbook: the energy book of this machine

[Service]
ExecStart={command}
Restart=always
RestartSec=10
NoNewPrivileges=yes
Nice=10

[Install]
WantedBy=default.target
"""
#: power counters of powercap belong to root (CAP_DAC_READ_SEARCH reads them), perf's need CAP_PERFMON
CAPABILITIES = "CAP_DAC_READ_SEARCH CAP_PERFMON"
LABEL = "org.wattbook.watch"


@click.group("service", short_help="Print a unit that keeps the watch running.")
def command() -> None:
    """Print a unit that keeps the watch running."""


@command.command("print", short_help="Print a unit for systemd or launchd.")
@click.argument("manager", type=click.Choice(["systemd", "launchd"]))
@click.option("--user", is_flag=True, help="For the user's own service manager: no rights of root.")
@click.option("--project", metavar="P", help="What the machine is for.")
@click.option("--ledger", metavar="URL", help="The book that the records are meant for.")
def print_(manager: str, user: bool, project: str | None, ledger: str | None) -> None:
    """Print a unit for systemd or launchd; nothing is installed or started.

    It runs 'wattbook watch --record' with no more rights than reading power needs.
    """
    words = [_program(), "watch", "--record"]
    words += ["--project", project] if project else []
    words += ["--ledger", ledger] if ledger else []
    click.echo(systemd(words, user=user) if manager == "systemd" else launchd(words, user=user), nl=False)


def systemd(words: list[str], *, user: bool) -> str:
    """The unit; a percent sign and a dollar stand for themselves when doubled."""
    if any(not word.isprintable() for word in words):
        raise click.UsageError("A unit holds printable characters only.")
    command_line = " ".join(_systemd_word(word) for word in words)
    if user:
        return SYSTEMD_USER.format(command=command_line)
    home = "read-only" if words[0].startswith(("/home/", "/root/")) else "yes"
    network = ONLINE if any(word.startswith(SERVERS) for word in words) else OFFLINE
    return SYSTEMD_SYSTEM.format(command=command_line, capabilities=CAPABILITIES, home=home, network=network)


def _systemd_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != shlex.quote(escaped) else escaped


def launchd(words: list[str], *, user: bool) -> str:
    """The property list: an agent of the user, or a daemon, which macOS lets read power only as root."""
    import plistlib

    plan: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": words,
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 10,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
        "Umask": 0o077,
    }
    if not user:
        plan["EnvironmentVariables"] = {"WATTBOOK_STATE": "/var/db/wattbook"}
        plan["StandardErrorPath"] = "/var/log/wattbook.log"
    text = plistlib.dumps(plan, sort_keys=False).decode()
    where = f"~/Library/LaunchAgents/{LABEL}.plist" if user else f"/Library/LaunchDaemons/{LABEL}.plist"
    domain = "gui/$(id -u)" if user else "system"
    head, rest = text.split("\n", 1)
    return f"{head}\n<!-- save as {where}, then: launchctl bootstrap {domain} {where} -->\n{rest}"


def _program() -> str:
    """The absolute path of this very wattbook."""
    beside = os.path.join(os.path.dirname(sys.executable), "wattbook")
    return beside if os.path.exists(beside) else shutil.which("wattbook") or os.path.abspath(sys.argv[0])
