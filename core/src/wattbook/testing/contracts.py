"""What every plugin owes the core, as tests to inherit."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest
from attrs import evolve

from wattbook.errors import ReadError, Unavailable
from wattbook.hookspecs import NAME
from wattbook.model import Activity, Basis, Busy, Gap, Host, Meter, Reading, Sample
from wattbook.plugins import gather, manager


class PluginContract:
    """What any plugin owes the core."""

    #: modules too heavy to load with the plugin; they belong inside the function that needs them
    HEAVY = (
        "psutil",
        "pynvml",
        "numpy",
        "pandas",
        "pyarrow",
        "requests",
        "boto3",
        "botocore",
        "stamina",
        "sqlalchemy",
        "cattrs",
        "rich",
    )

    @pytest.fixture
    def plugin_name(self) -> str:
        raise NotImplementedError("override: the entry-point name")

    @pytest.fixture
    def plugin(self, plugin_name: str) -> Any:
        (entry_point,) = entry_points(group=NAME, name=plugin_name)
        return entry_point.load()

    @pytest.fixture
    def config(self, plugin_name: str, plugin: Any) -> Any:
        return gather([(plugin_name, plugin)]).configs[plugin_name]

    def test_it_implements_only_known_hooks(self, plugin: Any, plugin_name: str) -> None:
        """A misspelled hook would never be called; pluggy tells on it."""
        assert manager([(plugin_name, plugin)]).get_hookcallers(plugin)

    def test_its_import_is_light(self, plugin: Any) -> None:
        """Plugins are imported at start-up, so that must stay cheap."""
        code = f"import sys, {plugin.__name__}; print(*[m for m in {self.HEAVY!r} if m in sys.modules])"
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert out.stdout.split() == []


class MeasureContract(PluginContract):
    """What ``measure`` owes the core."""

    @pytest.fixture
    def host(self) -> Host:
        return Host(name="contract", os=sys.platform, arch="x86_64")

    @pytest.fixture
    def meters(self, plugin: Any, host: Host, config: Any) -> list[Meter]:
        return list(plugin.measure(host=host, config=config))

    @pytest.fixture
    def working(self) -> Meter:
        raise NotImplementedError("override: a meter fed with recorded output")

    @pytest.mark.usefixtures("no_subprocess", "no_network")
    def test_it_offers_without_touching_the_machine(self, plugin: Any, host: Host, config: Any) -> None:
        assert all(isinstance(meter, Meter) for meter in plugin.measure(host=host, config=config))

    def test_names_are_unique(self, meters: list[Meter]) -> None:
        assert len({meter.name for meter in meters}) == len(meters)

    def test_a_probe_passes_or_says_why(self, meters: list[Meter]) -> None:
        for meter in meters:
            try:
                meter.probe()
            except Unavailable as no:
                assert no.reason, "an unavailable meter says why"
                assert no.remedy, "and what would change that"

    def test_errors_are_fractions(self, meters: list[Meter]) -> None:
        assert all(meter.error is None or 0 <= meter.error < 1 for meter in meters)

    def test_counters_never_run_backwards(self, working: Meter) -> None:
        found = working.probe()
        domains = set(working.domains if found is None else found)
        with working.open() as session:
            first = {s.domain: s.energy_j for s in session.read() if isinstance(s, Sample)}
            second = {s.domain: s.energy_j for s in session.read() if isinstance(s, Sample)}
        assert first, "a working meter gives samples"
        assert set(first) <= domains, "it measures what it declared"
        assert all(second[domain] >= first[domain] for domain in set(first) & set(second))

    def test_every_domain_is_read(self, working: Meter) -> None:
        found = working.probe()
        domains = set(working.domains if found is None else found)
        with working.open() as session:
            seen = {s.domain for _ in range(2) for s in session.read() if isinstance(s, (Sample, Busy))}
        assert seen == domains

    def test_users_are_told_by_device_and_process_number(self, working: Meter) -> None:
        """``users()`` is a session's own choice; a core that asks must get numbers, or a ``ReadError``."""
        found = working.probe()
        devices = {domain.device for domain in (working.domains if found is None else found)}
        with working.open() as session:
            list(session.read())
            ask = getattr(session, "users", None)
            try:
                told = {} if ask is None else ask()
            except ReadError as why:
                assert str(why), "users that are not known are told why"
                told = {}
        assert set(told) <= devices, "it tells of the devices that it measures"
        for some in told.values():
            assert all(isinstance(pid, int) and pid >= 0 for pid in some)
            assert all(busy is None or busy >= 0 for busy in some.values())


class EstimateContract(PluginContract):
    """What ``estimate`` owes the core."""

    @pytest.fixture
    def activity(self) -> Activity:
        raise NotImplementedError("override: an activity that this plugin can model")

    @pytest.fixture
    def gaps(self, activity: Activity) -> list[Gap]:
        raise NotImplementedError("override: gaps that this plugin can fill")

    def test_it_answers_only_what_was_asked(
        self, plugin: Any, activity: Activity, gaps: list[Gap], config: Any
    ) -> None:
        asked = {gap.domain for gap in gaps}
        answers = list(plugin.estimate(gaps=gaps, activity=activity, config=config))
        assert {answer.domain for answer in answers} <= asked
        assert all(answer.basis is Basis.ESTIMATED for answer in answers if isinstance(answer, Reading))

    def test_it_fills_something(self, plugin: Any, activity: Activity, gaps: list[Gap], config: Any) -> None:
        assert any(isinstance(a, Reading) for a in plugin.estimate(gaps=gaps, activity=activity, config=config))

    def test_every_estimate_has_an_interval_and_a_cause(
        self, plugin: Any, activity: Activity, gaps: list[Gap], config: Any
    ) -> None:
        for reading in plugin.estimate(gaps=gaps, activity=activity, config=config):
            if isinstance(reading, Reading):
                assert reading.low_j is not None
                assert reading.high_j is not None
                assert reading.low_j < reading.energy_j < reading.high_j
                assert reading.cause

    def test_asking_for_nothing_gives_nothing(self, plugin: Any, activity: Activity, config: Any) -> None:
        assert list(plugin.estimate(gaps=[], activity=activity, config=config)) == []

    def test_many_questions_have_the_answers_of_each_alone(
        self, plugin: Any, activity: Activity, gaps: list[Gap], config: Any
    ) -> None:
        """``estimate_many`` is the plugin's own choice, and never another model."""
        if not hasattr(plugin, "estimate_many"):
            return
        questions: list[tuple[list[Gap], Activity]] = [(gaps, activity), ([], activity)]
        for low, high in ((0.0, 0.0), (0.25, 0.75), (1.0, 1.0)):
            loads = tuple(evolve(load, low=low, high=high) for load in activity.loads)
            questions += [([gap], evolve(activity, loads=loads)) for gap in gaps]
        alone = [list(plugin.estimate(gaps=some, activity=one, config=config)) for some, one in questions]
        assert list(plugin.estimate_many(questions=questions, config=config)) == alone
        assert list(plugin.estimate_many(questions=[], config=config)) == []

    @pytest.mark.usefixtures("no_subprocess", "no_network")
    def test_it_is_arithmetic(self, plugin: Any, activity: Activity, gaps: list[Gap], config: Any) -> None:
        list(plugin.estimate(gaps=gaps, activity=activity, config=config))
