"""Choosing: one best cover, no overlap, a reason for every offer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wattbook.model import Chip, Domain, Host
from wattbook.resolve import Fate, Offer, Tree, resolve, uncovered, wanted

WALL = Domain(device="machine", name="wall")
PLATFORM = Domain(device="machine", name="platform", may_contain=("gpu:*",))
PACKAGE = Domain(device="cpu:0", name="package")
CORE = Domain(device="cpu:0", name="core", within="cpu:0/package")
GFX = Domain(device="cpu:0", name="gfx", within="cpu:0/package")
DRAM = Domain(device="dram:0", name="dram")
BOARD = Domain(device="gpu:GPU-1", name="board")
MEMORY = Domain(device="gpu:GPU-1", name="memory", within="gpu:GPU-1/board")
ALL = (WALL, PLATFORM, PACKAGE, CORE, GFX, DRAM, BOARD, MEMORY)


def an_offer(plugin: str, *domains: Domain, error: float | None = 0.05, **kw: object) -> Offer:
    return Offer(plugin=plugin, name="meter", domains=domains, error=error, **kw)  # type: ignore[arg-type]


def fates(*offers: Offer, **kw: object) -> dict[str, Fate]:
    return {v.plugin: v.fate for v in resolve(offers, **kw).verdicts}  # type: ignore[arg-type]


def test_the_more_exact_offer_wins() -> None:
    coarse, fine = an_offer("a", PACKAGE, error=0.4), an_offer("b", PACKAGE, error=0.02)
    assert fates(coarse, fine) == {"a": Fate.PASSED_OVER, "b": Fate.CHOSEN}


def test_an_unknown_error_is_worse_than_any_known_one() -> None:
    assert fates(an_offer("a", PACKAGE, error=None), an_offer("b", PACKAGE, error=0.9))["b"] is Fate.CHOSEN


def test_a_preference_beats_exactness() -> None:
    coarse, fine = an_offer("a", PACKAGE, error=0.4), an_offer("b", PACKAGE, error=0.02)
    assert fates(coarse, fine, prefer=["a"])["a"] is Fate.CHOSEN


def test_a_preference_may_name_one_source_of_a_plugin() -> None:
    coarse, fine = an_offer("a", PACKAGE, error=0.4), an_offer("b", PACKAGE, error=0.02)
    assert fates(coarse, fine, prefer=["a:meter"])["a"] is Fate.CHOSEN


def test_the_loser_is_told_who_was_better() -> None:
    resolution = resolve([an_offer("a", PACKAGE, error=0.4), an_offer("b", PACKAGE, error=0.02)])
    (loser,) = [v for v in resolution.verdicts if v.fate is Fate.PASSED_OVER]
    assert "b:meter" in loser.reason
    assert "2.0%" in loser.reason


def test_a_part_is_a_breakdown_of_its_container() -> None:
    resolution = resolve([an_offer("a", PACKAGE, CORE, DRAM)])
    assert resolution.covered == (PACKAGE, DRAM)
    assert not resolution.outermost(CORE.address)


def test_a_finer_part_does_not_displace_the_container() -> None:
    """The parts of a package do not add up to it, so the package covers more."""
    assert resolve([an_offer("a", CORE, error=0.001), an_offer("b", PACKAGE)]).covered == (PACKAGE,)


def test_platform_gives_way_to_package_and_dram_because_its_content_is_vague() -> None:
    resolution = resolve([an_offer("a", PLATFORM, PACKAGE, DRAM)])
    assert resolution.covered == (PACKAGE, DRAM)


def test_platform_is_taken_where_the_user_prefers_it() -> None:
    resolution = resolve([an_offer("a", PACKAGE), an_offer("b", PLATFORM)], prefer=["b"])
    assert resolution.covered == (PLATFORM,)


def test_a_gpu_is_not_added_to_a_platform_that_may_contain_it() -> None:
    assert resolve([an_offer("a", PLATFORM), an_offer("b", BOARD)], prefer=["a"]).covered == (PLATFORM,)


def test_the_configuration_can_say_that_the_gpu_is_outside() -> None:
    resolution = resolve([an_offer("a", PLATFORM), an_offer("b", BOARD)], prefer=["a"], containment={"gpu:*/board": ""})
    assert set(resolution.covered) == {PLATFORM, BOARD}


def test_a_wall_meter_covers_everything() -> None:
    resolution = resolve([an_offer("strip", WALL), an_offer("a", PACKAGE, error=0.001), an_offer("b", BOARD)])
    assert resolution.covered == (WALL,)


def test_an_unavailable_offer_keeps_reason_and_remedy() -> None:
    offer = an_offer("a", PACKAGE, fate=Fate.UNAVAILABLE, reason="needs root", remedy="run with sudo")
    (verdict,) = resolve([offer]).verdicts
    assert (verdict.fate, verdict.reason, verdict.remedy) == (Fate.UNAVAILABLE, "needs root", "run with sudo")


def test_a_containment_that_runs_in_a_circle_ends() -> None:
    tree = Tree((), {"a/x": "b/x", "b/x": "a/x"})
    assert tree.contains("b/x", "a/x")


def test_on_a_bare_host_the_machine_is_one_gap() -> None:
    wants = wanted(Host(os="linux", arch="x86_64", cpus=(Chip(name="x"),)), pue=1.0)
    assert [str(w.domain) for w in uncovered(wants, [], Tree())] == ["machine/host"]


def test_with_the_package_measured_memory_and_the_rest_stay_open() -> None:
    wants = wanted(Host(os="linux", arch="x86_64", cpus=(Chip(name="x"),)), pue=1.0)
    assert [str(w.domain) for w in uncovered(wants, [PACKAGE], Tree())] == ["dram:0/dram", "machine/other"]


def test_a_site_without_pue_leaves_the_facility_open() -> None:
    wants = wanted(Host(os="linux", arch="x86_64"))
    assert "machine/facility" in [str(w.domain) for w in uncovered(wants, [], Tree())]


def test_a_gpu_that_only_the_system_knows_is_wanted() -> None:
    wants = wanted(Host(os="linux", arch="x86_64", gpus=(Chip(device="gpu:0", name="L4"),)), pue=1.0)
    assert "gpu:0/board" in [str(w.domain) for w in uncovered(wants, [], Tree())]


offers = st.lists(
    st.builds(
        lambda plugin, name, domains, error, broken: Offer(
            plugin=plugin, name=name, domains=tuple(domains), error=error,
            fate=Fate.BROKEN if broken else None, reason="it raised" if broken else "",
        ),
        st.sampled_from("abcde"),
        st.sampled_from(["m", "n"]),
        st.lists(st.sampled_from(ALL), unique=True, max_size=5),
        st.none() | st.floats(0, 0.99),
        st.booleans(),
    ),
    max_size=7,
    unique_by=lambda offer: offer.source,
)  # fmt: skip
preferences = st.lists(st.sampled_from("abcde"), unique=True, max_size=3)


@given(offers, preferences)
def test_no_two_chosen_domains_overlap(offered: list[Offer], prefer: list[str]) -> None:
    resolution = resolve(offered, prefer)
    chosen = [domain.address for domain in resolution.covered]
    for i, one in enumerate(chosen):
        for other in chosen[i + 1 :]:
            assert not resolution.tree.overlap(one, other)


@given(offers, preferences)
def test_every_offer_gets_one_verdict_with_a_reason(offered: list[Offer], prefer: list[str]) -> None:
    verdicts = resolve(offered, prefer).verdicts
    assert sorted((v.plugin, v.source) for v in verdicts) == sorted((o.plugin, o.name) for o in offered)
    assert all(v.reason for v in verdicts)


@given(offers, preferences, st.randoms(use_true_random=False))
def test_the_order_of_plugins_does_not_matter(offered: list[Offer], prefer: list[str], rng: random.Random) -> None:
    shuffled = list(offered)
    rng.shuffle(shuffled)
    assert resolve(shuffled, prefer) == resolve(offered, prefer)


@given(offers, preferences)
def test_everything_offered_is_covered_or_inside_or_overlapping(offered: list[Offer], prefer: list[str]) -> None:
    """Nothing that could have been measured is left out without a chosen domain in its place."""
    resolution = resolve(offered, prefer)
    for offer in offered:
        if offer.fate is None:
            for domain in offer.domains:
                assert any(resolution.tree.overlap(domain.address, c.address) for c in resolution.covered)


@given(offers, preferences, st.sampled_from([CORE, GFX, MEMORY]))
def test_a_breakdown_never_changes_the_cover(offered: list[Offer], prefer: list[str], part: Domain) -> None:
    before = resolve(offered, prefer)
    container = part.within
    sure = [c for c in before.covered if not c.may_contain]  # what is vague goes after what is known exactly
    if not any(c.address == container or before.tree.contains(c.address, part.address) for c in sure):
        return
    if any(o.plugin in prefer for o in offered if part in o.domains):
        return
    more = [*offered, Offer(plugin="z", name="breakdown", domains=(part,), error=0.0)]
    assert resolve(more, prefer).covered == before.covered


@given(offers, st.sampled_from("abcde"))
def test_a_preferred_offer_is_chosen_for_its_outermost_domains(offered: list[Offer], plugin: str) -> None:
    resolution = resolve(offered, [plugin])
    mine = [o for o in offered if o.plugin == plugin and o.fate is None and o.domains]
    for offer in mine:
        for domain in offer.domains:
            rivals = [d for o in mine for d in o.domains if resolution.tree.overlap(d.address, domain.address)]
            if all(d.address == domain.address for d in rivals):
                assert domain in resolution.covered
                assert any(source.startswith(f"{plugin}:") for d, source in resolution.cover if d == domain)


@pytest.mark.parametrize("name", ["package", "core"])
def test_the_same_domain_from_two_plugins_is_taken_once(name: str) -> None:
    domain = Domain(device="cpu:0", name=name)
    assert len(resolve([an_offer("a", domain), an_offer("b", domain)]).cover) == 1
