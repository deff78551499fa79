"""The questions a plugin can answer; implement any of them with ``@wattbook.hookimpl``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from wattbook.cloud import Fetcher
    from wattbook.config import HourFactor
    from wattbook.model import Activity, Gap, Host, Identity, Importer, ImportSource, Meter, Reading, Window

NAME = "wattbook"  #: pluggy project, entry-point group, import name and command in one word

hookspec = pluggy.HookspecMarker(NAME)
hookimpl = pluggy.HookimplMarker(NAME)


@hookspec
def measure(host: Host, config: Any) -> Iterable[Meter]:  # type: ignore[empty-body]
    """Which meters can you offer on this host?

    :param host: what the core knows about the machine: operating system, architecture, chips.
    :param config: the plugin's own table of the configuration, as an instance of its ``Config`` class.
    :returns: ``Meter`` offers with nothing opened.  The call starts no process, reads no privileged
        file and uses no network; that is what ``Meter.probe`` and ``Meter.open`` are for.

    ``probe()`` returns, or raises ``wattbook.Unavailable(reason, remedy=...)``; where the domains are
    only known by looking, it answers with them.  ``open()`` is a context manager around a session whose
    ``read()`` yields cumulative joules.  Any other exception is a bug of the plugin: it is contained
    and shown as *broken*.

    A complete example, a meter of a power strip that writes its joules into a file::

        import time
        from contextlib import contextmanager
        from pathlib import Path
        import wattbook

        STRIP = wattbook.Domain(device="machine", name="wall")
        FILE = Path("/run/strip/energy_mj")

        class Strip:
            def read(self):
                yield wattbook.Sample(
                    at_s=time.monotonic(), domain=STRIP, energy_j=int(FILE.read_text()) / 1000
                )

        def probe():
            if not FILE.exists():
                raise wattbook.Unavailable("no power strip is connected", remedy="start stripd")

        @contextmanager
        def open():
            yield Strip()

        @wattbook.hookimpl
        def measure(host, config):
            yield wattbook.Meter(name="strip", domains=(STRIP,), error=0.02, probe=probe, open=open)
    """


@hookspec
def estimate(gaps: list[Gap], activity: Activity, config: Any) -> Iterable[Reading]:  # type: ignore[empty-body]
    """What did these uncovered domains use?

    :param gaps: the domains that nothing measured, all over the activity's window.
    :param activity: what the host did: its chips, and seconds per utilisation.
    :param config: the plugin's own table, as an instance of its ``Config`` class.
    :returns: readings with basis ``estimated`` and an interval (``low_j <= energy_j <= high_j``), only
        for the gaps asked.  A gap that the plugin knows nothing about is left out, or yielded again as
        a ``Gap`` with a better reason.  Arithmetic only: no process, no network, no file but the
        plugin's own tables.

    A complete example, a rule of thumb for a whole machine::

        import wattbook

        WATTS = (20.0, 60.0, 180.0)

        @wattbook.hookimpl
        def estimate(gaps, activity, config):
            for gap in gaps:
                if gap.domain.address == "machine/host":
                    low, middle, high = (w * activity.window.duration_s for w in WATTS)
                    yield wattbook.Reading(
                        domain=gap.domain, window=activity.window, basis=wattbook.Basis.ESTIMATED,
                        energy_j=middle, low_j=low, high_j=high, source="thumb", cause="model:thumb",
                    )
    """


@hookspec
def estimate_many(questions: list[tuple[list[Gap], Activity]], config: Any) -> Iterable[list[Reading | Gap]]:  # type: ignore[empty-body]
    """What did the uncovered domains of these many activities use?  Only a faster ``estimate``.

    :param questions: gaps and activity of each question, as ``estimate`` is asked.
    :param config: the plugin's own table, as an instance of its ``Config`` class.
    :returns: for each question, in this order, the list of what ``estimate`` would answer to it.

    A plugin may leave it out; one that has it has ``estimate`` too.  Long files of jobs and bills are asked
    in parts of some hundred questions.  Where a part fails, or is answered by another number of lists, its
    questions are asked one by one.

    A complete example, beside the ``estimate`` above::

        import wattbook

        @wattbook.hookimpl
        def estimate_many(questions, config):
            for gaps, activity in questions:
                yield list(estimate(gaps, activity, config))
    """


@hookspec
def import_provided(source: ImportSource, config: Any) -> Iterable[Importer | Fetcher]:  # type: ignore[empty-body]
    """Which formats can you read, and which interfaces can you ask for them?

    :param source: the files that the user handed over and what he said about them (account, host,
        start); empty when only the list of formats is wanted.
    :param config: the plugin's own table, as an instance of its ``Config`` class.
    :returns: ``Importer`` offers.  ``sniff`` recognises one file by name and head; two importers that
        both recognise a file are an error that names them.  ``read`` is lazy and yields ``Statement``
        values, figures unchanged, or a ``Recording`` per file of an instrument; it raises
        ``wattbook.ImportFailed`` with line and field, and then nothing of the import is recorded.
        Beside them ``Fetcher`` offers, asked only when the user names one (``wattbook import acme --month
        2026-09``): ``fetch`` writes the files of that month into a folder, as the interface gives them, and
        says which importer of the plugin reads them; so a fetched page is the same evidence as a saved one.
        A bill is read by an importer of basis ``estimated`` that yields ``Usage``: hours, which the installed
        estimators turn into energy.

    A complete example, a provider whose export is a CSV of month and kilograms::

        import csv, io, os, urllib.request
        from decimal import Decimal
        import wattbook

        def sniff(file):
            return file.head.startswith(b"month,acme_kg")

        def read(source):
            for file in source.files:
                with file.open() as stream:
                    rows = csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig"))
                    for line, row in enumerate(rows, start=2):
                        try:
                            kg = Decimal(row["acme_kg"])
                        except ArithmeticError:
                            raise wattbook.ImportFailed(
                                f"{row['acme_kg']!r} is not a number", path=file.path, line=line, field="acme_kg"
                            ) from None
                        yield wattbook.Statement(
                            provider="acme", account=source.account or "acme", month=row["month"],
                            scope="total", method="unsplit", co2e_kg=kg,
                            value_raw=row["acme_kg"], unit_raw="kg",
                        )

        @wattbook.hookimpl
        def import_provided(source, config):
            yield wattbook.Importer(
                format="acme-csv", basis=wattbook.Basis.PROVIDED, sniff=sniff, read=read, gathers=True
            )
            yield wattbook.Fetcher(name="acme", fetch=fetch)

        def fetch(wanted, folder):
            token = os.environ.get("ACME_TOKEN")
            if not token:
                raise wattbook.Unavailable("Acme knows no one here", remedy="set ACME_TOKEN")
            request = urllib.request.Request(
                f"https://api.acme.example/carbon?month={wanted.month}", headers={"Authorization": token}
            )
            path = folder / f"carbon.{wanted.month}.csv"
            with urllib.request.urlopen(request, timeout=30) as answer:
                path.write_bytes(answer.read())
            return wattbook.Fetched(format="acme-csv", files=(path,))
    """


@hookspec
def identify(name: str, kind: str | None, config: Any) -> Iterable[Identity]:  # type: ignore[empty-body]
    """What is this chip?

    :param name: the name as a system prints it.
    :param kind: ``cpu``, ``gpu``, ``instance`` (a cloud's machine type) or ``None``.
    :param config: the plugin's own table, as an instance of its ``Config`` class.
    :returns: an ``Identity``, matched exactly or with the reason for refusing.  Never a fuzzy guess.
        An instance type is answered with its threads, memory, processor and accelerators.

    A complete example::

        import wattbook

        @wattbook.hookimpl
        def identify(name, kind, config):
            if name == "ACME X1":
                yield wattbook.Identity(
                    query=name, kind="gpu", match="ACME X1", tdp_w=250.0, confidence="vendor",
                    source="ACME X1 data sheet, 2026",
                )
    """


@hookspec
def factors(window: Window, config: Any) -> Iterable[HourFactor]:  # type: ignore[empty-body]
    """Which factors by the hour do you know in this window?

    :param window: the stretch of time that a report is made of, with a day to either side.
    :param config: the plugin's own table, as an instance of its ``Config`` class.
    :returns: ``HourFactor`` values, no two of one zone at one time, each with its source.  Only averages by
        location enter the inventory; a marginal or market-based one is refused with a sentence.  A report
        uses no network: what the plugin fetched, it fetched before.  It is asked only where
        ``factors.plugins`` of the configuration names it.

    A complete example, a grid that is clean by day::

        from datetime import timedelta
        import wattbook

        @wattbook.hookimpl
        def factors(window, config):
            hour = window.start.replace(minute=0, second=0, microsecond=0)
            while hour < window.end:
                yield wattbook.HourFactor(
                    zone="SG", start=hour.isoformat(), end=(hour + timedelta(hours=1)).isoformat(),
                    g_per_kwh=300.0 if 8 <= hour.hour < 18 else 450.0, source="ACME grid watch, 2026",
                )
                hour += timedelta(hours=1)
    """
