"""What doctor says, with fake plugins: every source with its fate, reason and remedy."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

from attrs import evolve
from wattbook import (
    Activity,
    Basis,
    Chip,
    Domain,
    Fetched,
    Fetcher,
    Gap,
    Host,
    Importer,
    Meter,
    Reading,
    Unavailable,
    hookimpl,
)
from wattbook.config import Config, Select
from wattbook.diagnosis import Diagnosis, as_lines, diagnose
from wattbook.pipeline import survey
from wattbook.plugins import gather
from wattbook.records import Place
from wattbook.resolve import Verdict
from wattbook.selfcheck import ProbedMeter, SelfCheck

HOST = Host(name="box", os="linux", arch="x86_64", virtual=False, cpus=(Chip(name="X", device="cpu:0"),), memory_gb=64)
BOOK = {"url": "book.db", "entries": 0, "ok": True, "reason": None}
PACKAGE = Domain(device="cpu:0", name="package")


def a_module(**functions: Callable[..., Any]) -> types.ModuleType:
    module = types.ModuleType("fake")
    for name, function in functions.items():
        setattr(module, name, hookimpl(function, specname=name))
    return module


def a_meter(name: str, *, error: float = 0.05, probe: Callable[[], Any] = lambda: None) -> Meter:
    return Meter(name=name, domains=(PACKAGE,), error=error, probe=probe, open=nullcontext)  # type: ignore[arg-type]


def thumb(gaps: list[Gap], activity: Activity, config: Any) -> Iterator[Reading]:
    for gap in gaps:
        if gap.domain.address in ("machine/host", "dram:0/dram"):
            yield Reading(
                domain=gap.domain, window=activity.window, energy_j=50.0, low_j=20.0, high_j=90.0,
                basis=Basis.ESTIMATED, source="thumb", cause="model:thumb",
            )  # fmt: skip


def diagnosis_of(*plugins: tuple[str, object], host: Host = HOST, config: Config = Config()) -> Diagnosis:  # noqa: B008
    gathered = gather(plugins)
    return diagnose(survey(host, config, gathered), gathered, config, Place(zone="SG"), BOOK)


def fates(diagnosis: Diagnosis) -> dict[str, str]:
    return {f"{v.plugin}:{v.source}": str(v.fate) for v in diagnosis.verdicts if v.reason[:13] != "not installed"}


def test_all_four_fates_are_shown_with_their_reasons() -> None:
    def no() -> None:
        raise Unavailable("needs root", remedy="ask your admin")

    def boom(host: Host, config: Any) -> Iterator[Meter]:
        raise ZeroDivisionError("oops")

    diagnosis = diagnosis_of(
        ("a", a_module(measure=lambda host, config: [a_meter("fine", error=0.01)])),
        ("b", a_module(measure=lambda host, config: [a_meter("coarse", error=0.2)])),
        ("c", a_module(measure=lambda host, config: [a_meter("locked", probe=no)])),
        ("d", a_module(measure=boom)),
    )
    assert fates(diagnosis) == {
        "a:fine": "chosen", "b:coarse": "passed over", "c:locked": "unavailable", "d:measure": "broken",
    }  # fmt: skip
    assert all(v.reason for v in diagnosis.verdicts)
    assert [v.remedy for v in diagnosis.verdicts if v.source == "locked"] == ["ask your admin"]
    assert diagnosis.broken


def test_an_estimator_is_chosen_for_what_is_open() -> None:
    diagnosis = diagnosis_of(("tdp", a_module(estimate=thumb)))
    (verdict,) = [v for v in diagnosis.verdicts if v.hook == "estimate"]
    assert (verdict.fate, [str(d) for d in verdict.domains]) == ("chosen", ["machine/host"])
    assert [str(gap.domain) for gap in diagnosis.gaps] == ["machine/facility"]


def test_next_to_a_meter_the_estimator_gets_the_rest_only() -> None:
    diagnosis = diagnosis_of(
        ("a", a_module(measure=lambda host, config: [a_meter("fine")])), ("tdp", a_module(estimate=thumb))
    )
    (verdict,) = [v for v in diagnosis.verdicts if v.hook == "estimate"]
    assert [str(d) for d in verdict.domains] == ["dram:0/dram"]
    assert [str(gap.domain) for gap in diagnosis.gaps] == ["machine/other", "machine/facility"]


def test_an_estimator_with_nothing_to_add_is_passed_over() -> None:
    diagnosis = diagnosis_of(("mute", a_module(estimate=lambda gaps, activity, config: [])))
    assert fates(diagnosis)["mute:estimate"] == "passed over"


def test_importers_are_listed_by_format() -> None:
    acme = Importer(format="acme-csv", basis=Basis.PROVIDED, sniff=lambda file: False, read=lambda source: iter(()))
    diagnosis = diagnosis_of(("acme", a_module(import_provided=lambda source, config: [acme])))
    (verdict,) = [v for v in diagnosis.verdicts if v.hook == "import_provided" and v.fate == "chosen"]
    assert (verdict.source, verdict.domains) == ("acme-csv", ())


def a_fetcher(ready: Any = None) -> Fetcher:
    return Fetcher(name="acme", fetch=lambda wanted, folder: Fetched(format="acme-csv", files=()), ready=ready)


def fetch_verdict(fetcher: Fetcher) -> Verdict:
    (verdict,) = [
        v
        for v in diagnosis_of(("acme", a_module(import_provided=lambda source, config: [fetcher]))).verdicts
        if v.plugin == "acme"
    ]
    return verdict


def test_a_fetcher_that_could_be_asked_is_listed_with_what_it_would_ask_with() -> None:
    verdict = fetch_verdict(a_fetcher(lambda: "fetches with the key of ACME_KEY"))
    assert (verdict.source, verdict.fate, verdict.reason) == (
        "fetch acme", "chosen", "fetches with the key of ACME_KEY",
    )  # fmt: skip


def test_a_fetcher_that_does_not_say_is_listed() -> None:
    assert fetch_verdict(a_fetcher()).fate == "chosen"


def test_a_fetcher_without_credentials_is_unavailable_with_its_remedy() -> None:
    def ready() -> str:
        raise Unavailable("no credentials", remedy="log in")

    verdict = fetch_verdict(a_fetcher(ready))
    assert (verdict.fate, verdict.reason, verdict.remedy) == ("unavailable", "no credentials", "log in")


def test_a_fetcher_that_fails_to_say_is_broken() -> None:
    assert fetch_verdict(a_fetcher(lambda: str(1 // 0))).fate == "broken"


def test_a_fetcher_is_a_line_of_its_own_and_no_format_that_is_read() -> None:
    plugin = ("acme", a_module(import_provided=lambda source, config: [a_fetcher(lambda: "with a key")]))
    lines = list(as_lines(diagnosis_of(plugin)))
    assert any("acme:fetch acme" in line and "with a key" in line for line in lines)
    assert not any("reads" in line and "acme" in line for line in lines)


def test_plugins_that_would_help_are_named() -> None:
    missing = {v.plugin: v.remedy for v in diagnosis_of().verdicts}
    assert missing["tdp"] == "pip install wattbook-tdp"
    assert {"csp", "rapl", "turbostat"} < set(missing)
    assert "powermetrics" not in missing


def test_the_preferred_source_is_said_to_be_preferred() -> None:
    config = Config(select=Select(prefer=("b",)))
    diagnosis = diagnosis_of(
        ("a", a_module(measure=lambda host, config: [a_meter("fine", error=0.01)])),
        ("b", a_module(measure=lambda host, config: [a_meter("coarse", error=0.2)])),
        config=config,
    )
    chosen = [v for v in diagnosis.verdicts if v.fate == "chosen"]
    assert [(v.plugin, "preferred" in v.reason) for v in chosen] == [("b", True)]


def test_the_document_is_json_with_the_agreed_keys() -> None:
    document = json.loads(json.dumps(diagnosis_of(("tdp", a_module(estimate=thumb))).as_dict()))
    assert {"host", "verdicts", "gaps", "ledger", "site"} <= set(document)
    assert {"os", "arch", "virtual", "cpus", "gpus", "memory_gb"} <= set(document["host"])
    assert set(document["verdicts"][0]) == {"plugin", "source", "hook", "domains", "fate", "reason", "remedy"}


def test_a_probe_that_went_wrong_is_broken_and_shown() -> None:
    fine = SelfCheck(seconds=5, duration_s=5.2, meters=(ProbedMeter(plugin="a", source="m", domains=()),))
    wrong = evolve(fine, meters=(evolve(fine.meters[0], reason="it does not close"),))
    diagnosis = diagnosis_of()
    assert (diagnosis.as_dict()["probe"], diagnosis.broken) == (None, False)
    assert not evolve(diagnosis, probe=fine).broken
    assert evolve(diagnosis, probe=wrong).broken
    assert any("it does not close" in line for line in as_lines(evolve(diagnosis, probe=wrong)))


def test_the_lines_name_everything_that_is_open() -> None:
    text = "\n".join(as_lines(diagnosis_of(("tdp", a_module(estimate=thumb)))))
    assert "machine/facility" in text
    assert "pip install wattbook-csp" in text
