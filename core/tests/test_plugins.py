"""Plugins are asked one by one, and what they do wrong stays with them."""

from __future__ import annotations

import time
import types
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from wattbook import Domain, Host, Meter, Unavailable, hookimpl
from wattbook.config import ConfigError
from wattbook.plugins import Broken, gather, installed, probe
from wattbook.resolve import Fate

PACKAGE = Domain(device="cpu:0", name="package")


def a_meter(name: str = "meter", probe: Callable[[], Any] = lambda: None) -> Meter:
    return Meter(name=name, domains=(PACKAGE,), error=0.05, probe=probe, open=nullcontext)  # type: ignore[arg-type]


def a_module(**names: Any) -> types.ModuleType:
    module = types.ModuleType("fake")
    vars(module).update(names)
    return module


def a_plugin(measure: Callable[..., Any], **extra: Any) -> types.ModuleType:
    return a_module(measure=hookimpl(measure, specname="measure"), **extra)


def test_answers_arrive_with_their_plugins_name() -> None:
    def measure(host: Host, config: Any) -> Iterator[Meter]:
        yield a_meter("one")

    plugins = gather([("b", a_plugin(measure)), ("a", a_plugin(lambda host, config: [a_meter("two")]))])
    assert [(p, m.name) for p, m in plugins.ask("measure", host=Host())] == [("a", "two"), ("b", "one")]


def test_a_plugin_that_raises_harms_nobody() -> None:
    def boom(host: Host, config: Any) -> Iterator[Meter]:
        yield a_meter("first")
        raise ZeroDivisionError("division by zero")

    plugins = gather([("a", a_plugin(boom)), ("b", a_plugin(lambda host, config: [a_meter("other")]))])
    answers = list(plugins.ask("measure", host=Host()))
    assert [p for p, _ in answers] == ["a", "a", "b"]
    broken = answers[1][1]
    assert isinstance(broken, Broken)
    assert broken.reason == "ZeroDivisionError: division by zero"
    assert "boom" in broken.detail


def test_a_misspelled_hook_is_reported() -> None:
    typo = a_module(mesure=hookimpl(lambda host, config: []))
    plugins = gather([("typo", typo)])
    assert plugins.names == []
    assert "mesure" in plugins.broken[0].reason


def test_a_hook_with_a_wrong_argument_is_reported() -> None:
    plugins = gather([("bad", a_plugin(lambda machine: []))])
    assert plugins.broken[0].plugin == "bad"


def test_a_plugin_without_hooks_is_reported() -> None:
    assert "none of the hooks" in gather([("empty", a_module())]).broken[0].reason


def test_a_plugin_that_pluggy_cannot_hold_is_reported() -> None:
    unhashable = types.SimpleNamespace(measure=hookimpl(lambda host, config: [], specname="measure"))
    plugins = gather([("odd", unhashable), ("a", a_plugin(lambda host, config: [a_meter("ok")]))])
    assert [b.plugin for b in plugins.broken] == ["odd"]
    assert [m.name for _, m in plugins.ask("measure", host=Host())] == ["ok"]


def test_a_plugin_without_configuration_refuses_a_table() -> None:
    with pytest.raises(ConfigError, match=r"plugins\.a\.speed"):
        gather([("a", a_plugin(lambda host, config: []))], {"a": {"speed": 3}})


def test_probes_sort_offers_into_usable_unavailable_and_broken() -> None:
    def no() -> None:
        raise Unavailable("needs root", remedy="run with sudo")

    def bug() -> None:
        raise KeyError("oops")

    answers = [("a", a_meter("ok")), ("b", a_meter("root", no)), ("c", a_meter("bug", bug))]
    assert [(o.name, o.fate, o.reason, o.remedy) for o in probe(answers)] == [
        ("ok", None, "", ""),
        ("root", Fate.UNAVAILABLE, "needs root", "run with sudo"),
        ("bug", Fate.BROKEN, "KeyError: 'oops'", ""),
    ]


def test_a_probe_that_hangs_is_given_up() -> None:
    offers = probe([("slow", a_meter("hangs", lambda: time.sleep(30))), ("a", a_meter("ok"))], timeout_s=0.2)
    assert [(o.name, o.fate) for o in offers] == [("hangs", Fate.BROKEN), ("ok", None)]
    assert "did not answer" in offers[0].reason


def test_a_probe_may_answer_with_the_domains_it_found() -> None:
    found = (Domain(device="gpu:GPU-1", name="board"),)
    (offer,) = probe([("n", a_meter("nvml", lambda: found))])
    assert offer.domains == found


def test_a_probe_that_exits_is_contained() -> None:
    def leave() -> None:
        raise SystemExit(3)

    assert probe([("x", a_meter("leaves", leave))])[0].fate is Fate.BROKEN


def test_an_answer_that_is_no_meter_is_broken() -> None:
    (offer,) = probe([("x", "a string")])  # type: ignore[list-item]
    assert offer.fate is Fate.BROKEN


def test_a_configuration_for_a_plugin_that_is_not_installed_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"plugins\.no_such_plugin"):
        installed({"no_such_plugin": {}})


class FakeEntryPoint:
    dist = None

    def __init__(self, name: str, load: Callable[[], object]) -> None:
        self.name, self.load = name, load


def test_an_entry_point_that_fails_to_import_is_broken_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> object:
        raise ImportError("No module named 'libamd'")

    points = [FakeEntryPoint("bad", fail), FakeEntryPoint("good", lambda: a_plugin(lambda host, config: []))]
    monkeypatch.setattr("wattbook.plugins.entry_points", lambda group: points)
    plugins = installed()
    assert plugins.names == ["good"]
    assert plugins.broken[0].reason == "ImportError: No module named 'libamd'"


def test_a_disabled_plugin_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> object:
        raise AssertionError("loaded")

    monkeypatch.setenv("WATTBOOK_DISABLE_PLUGINS", "bad, other")
    monkeypatch.setattr("wattbook.plugins.entry_points", lambda group: [FakeEntryPoint("bad", fail)])
    assert installed().broken == ()
