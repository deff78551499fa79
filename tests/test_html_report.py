"""The page in a real browser: nothing is cut, nothing leaves it, and people who cannot see colours can read it.

With ``WATTBOOK_SCREENSHOTS=1`` the reference pictures under ``docs/screenshots`` are written anew.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no Chromium on this machine (Debian's package is chromium)", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python brings axe-core")
pytest.importorskip("jinja2", reason="the page needs the extra 'report'")
pytest.importorskip("vl_convert", reason="the charts need the extra 'report'")

ROOT = Path(__file__).parent.parent
SCREENSHOTS = ROOT / "docs" / "screenshots"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
VIEWS = [(name, scheme) for name in SIZES for scheme in ("light", "dark")]

#: texts whose letters lie outside the window, and charts whose labels meet; what is meant for ears only is left out
CUT = """() => {
  const found = [];
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.right < -500 || box.width === 0) continue;
      if (box.left < -0.5 || box.right > wide + 0.5) found.push(`outside: ${node.data.trim().slice(0, 60)}`);
      for (let around = node.parentElement; around; around = around.parentElement) {
        const style = getComputedStyle(around);
        if (style.overflowX !== 'visible' || style.overflowY !== 'visible') {
          const frame = around.getBoundingClientRect();
          if (around !== document.body && around !== document.documentElement &&
              (box.right > frame.right + 0.5 || box.bottom > frame.bottom + 0.5))
            found.push(`clipped: ${node.data.trim().slice(0, 60)}`);
        }
      }
    }
  }
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    const boxes = [...svg.querySelectorAll('text')].filter(t => !t.getAttribute('stroke')).map(t => [t.textContent, t.getBoundingClientRect()]);
    boxes.forEach(([text, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
      if (text && other && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 5 && b.top < a.bottom - 5)
        found.push(`in a chart: ${text} meets ${other}`);
    }));
  }
  return [...new Set(found)];
}"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the example team, as ``wattbook demo --html`` writes it."""
    place = tmp_path_factory.mktemp("demo")
    environment = {**os.environ, "HOME": str(place)}
    environment.pop("WATTBOOK_LEDGER", None)
    subprocess.run(
        [sys.executable, "-m", "wattbook", "demo", "--quiet", "--html", "out.html"],
        cwd=place, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    return place / "out.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of names that nobody would choose, two months, many projects, gaps and budgets."""
    from datetime import timedelta

    from wattbook.config import Account, Budgets, Config
    from wattbook.explaining.figures import derive
    from wattbook.report import Period, build
    from wattbook.report.as_html import as_html, rows_for
    from wattbook.testing.builders import START
    from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

    kwh = 3_600_000.0
    names = [
        "<script>document.title='broken'</script>", "=HYPERLINK(\"http://x\")", "مشروع التعلم الآلي", "𝒳🐍👩‍💻" * 9,
        "x" * 300, "W" * 15, "東京都の計算機センター", "a name with many words in it " * 6, "\u202egnirts", "-", None,
        *(f"p{i}" for i in range(40)),
    ]  # fmt: skip
    config = Config(
        accounts={"acme/1": Account(platforms=("cloud",))},
        budgets=Budgets(team_kg_per_month=40.0, projects_kg_per_month={"x" * 300: 1.0}),
    )
    entries = [
        an_entry((i + 1) * kwh, error=0.2, host=f"{name}-host", run_id=f"run {name}", project=name, platform=name,
                 phase="idle", evidence_sha256="ab" * 32, basis=("measured", "estimated")[i % 2], method=str(name))
        for i, name in enumerate(names)
    ]  # fmt: skip
    entries += [a_gap_entry(str(name), host=str(name)) for name in names[:11]]
    entries.append(an_entry(900 * kwh, platform="cloud", host="vm", project="p1"))
    stated = [
        a_statement("12", account="1" * 60), a_statement("7"), a_statement("3", account="2", method="unsplit"),
        a_statement("6", month="2026-09"),
    ]  # fmt: skip
    runs = [a_run(f"run {name}", host=f"{name}-host", command=str(name), exit_code=1) for name in names]
    months = [Period.from_month(month, "Asia/Singapore") for month in ("2026-09", "2026-10")]
    before = [an_entry(kwh, start=START - timedelta(days=30), host="x" * 90, platform="W" * 15)]
    previous = build(before, stated, (), config, months[0], ())
    made = build(entries, stated, runs, config, months[1], previous=previous)
    page = tmp_path_factory.mktemp("hostile") / "out.html"
    page.write_text(as_html(made, derive(made, rows_for(3))), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wattbook.config import Config
    from wattbook.explaining.figures import derive
    from wattbook.report import Period, build
    from wattbook.report.as_html import as_html, rows_for

    made = build([], [], [], Config(), Period.from_month("2026-10", "UTC"))
    page = tmp_path_factory.mktemp("empty") / "out.html"
    page.write_text(as_html(made, derive(made, rows_for(3))), encoding="utf-8")
    return page


@pytest.fixture(params=["demo", "hostile", "empty"])
def page(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Path)
    return found


class Window:
    """A browser's window with one page, and everything that it asked for."""

    def __init__(self, browser: Any, size: str, scheme: str, **more: Any) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def open(self, path: Path) -> Any:
        self.page.goto(path.as_uri(), wait_until="load")
        return self.page


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small page of ``wattbook report --compare --format html``, with a name that is markup."""
    from wattbook.config import Config
    from wattbook.report import Period, build
    from wattbook.report.as_html.plain import blocks_as_html
    from wattbook.report.compare import compare, side_of
    from wattbook.report.compare_lines import blocks_of
    from wattbook.testing.entries import an_entry

    october = Period.from_month("2026-10", "Asia/Singapore")
    atoms = build([an_entry(error=0.1), an_entry(9e6, error=0.1, host="b")], (), (), Config(), october).atoms
    sides = [
        side_of("project", name, [atom]) for name, atom in zip(("<script>x</script>", "W" * 40), atoms, strict=True)
    ]
    page = tmp_path_factory.mktemp("comparison") / "out.html"
    page.write_text(blocks_as_html("Compared", blocks_of(compare(*sides))), encoding="utf-8")
    return page


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_a_comparison_is_read_like_a_report(browser: Any, comparison: Path, size: str, scheme: str) -> None:
    with Window(browser, size, scheme, bypass_csp=True) as window:
        shown = window.open(comparison)
        assert shown.evaluate(CUT) == []
        assert shown.evaluate("document.scripts.length") == 0
        assert shown.locator("h1").count() == 1
        shown.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        violations = shown.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
        assert [one["id"] for one in violations if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(("size", "scheme"), VIEWS)
def test_no_text_is_cut(browser: Any, page: Path, size: str, scheme: str) -> None:
    with Window(browser, size, scheme) as window:
        assert window.open(page).evaluate(CUT) == []


def test_no_request_leaves_the_page_and_nothing_runs(browser: Any, page: Path) -> None:
    with Window(browser, "desktop", "light") as window:
        shown = window.open(page)
        shown.mouse.wheel(0, 100_000)
        shown.wait_for_timeout(200)
        assert [url for url in window.asked if not url.startswith(("file://", "data:"))] == []
        assert len([url for url in window.asked if url.startswith("file://")]) == 1
        assert window.said == []
        assert shown.title().startswith("Carbon book 2026-10: gross, no offsets")
        assert shown.evaluate("document.scripts.length") == 0


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_axe_finds_nothing_serious(browser: Any, page: Path, size: str, scheme: str) -> None:
    with Window(browser, size, scheme, bypass_csp=True) as window:
        shown = window.open(page)
        shown.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        violations = shown.evaluate("axe.run({resultTypes: ['violations']}).then(result => result.violations)")
        bad = [
            (one["id"], one["impact"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"])
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]
        assert bad == []


def test_a_figure_leads_to_its_derivation_and_from_there_to_evidence(browser: Any, demo: Path) -> None:
    with Window(browser, "desktop", "light") as window:
        shown = window.open(demo)
        shown.click("#by-0 tbody tr:nth-child(2) a.fig")
        derivation = shown.locator(":target")
        assert derivation.locator("h3").inner_text() == "platform gpu-server"
        assert derivation.bounding_box()["y"] < 900
        derivation.locator("a").first.click()
        assert "Evidence sha256" in shown.locator(":target").inner_text()


def test_the_first_screen_of_a_desktop_answers_the_five_questions(browser: Any, demo: Path) -> None:
    with Window(browser, "desktop", "light") as window:
        cards = window.open(demo).locator(".cards li")
        assert cards.locator("h3").all_inner_texts() == [
            "Total", "Since 2026-09", "How it is known", "Biggest cause", "Best action",
        ]  # fmt: skip
        assert max(card.bounding_box()["y"] + card.bounding_box()["height"] for card in cards.all()) < 900


def test_both_colour_schemes_are_there(browser: Any, demo: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with Window(browser, "desktop", scheme) as window:
            grounds.append(window.open(demo).evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 24, 27)"]


def test_print_has_no_colour(browser: Any, demo: Path) -> None:
    with Window(browser, "desktop", "dark") as window:
        shown = window.open(demo)
        shown.emulate_media(media="print")
        colours = shown.evaluate(
            """() => [...new Set([...document.querySelectorAll('*')].flatMap(e => {
                const s = getComputedStyle(e);
                return [s.color, s.backgroundColor, s.fill, s.stroke, s.borderTopColor];
            }))].filter(c => c.startsWith('rgb'))"""
        )
        assert len(colours) > 3
        for colour in colours:
            red, green, blue = colour[colour.index("(") + 1 : -1].split(", ")[:3]
            assert red == green == blue, colour
        assert len(shown.pdf()) > 10_000


def test_the_page_is_read_in_order_without_its_style(browser: Any, demo: Path) -> None:
    with Window(browser, "desktop", "light") as window:
        headings = window.open(demo).locator("h1, h2").all_inner_texts()
    assert headings[0] == "Carbon book 2026-10"
    assert headings[1:4] == ["Total", "How it is known", "By platform"]
    assert headings[-1] == "How each figure is made"


def test_the_reference_pictures_are_small_and_of_both_sizes(browser: Any, demo: Path) -> None:
    if os.environ.get("WATTBOOK_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for size, scheme in VIEWS:
            with Window(browser, size, scheme) as window:
                window.open(demo).screenshot(path=SCREENSHOTS / f"report-{size}-{scheme}.png")
    for size, scheme in VIEWS:
        content = (SCREENSHOTS / f"report-{size}-{scheme}.png").read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", content[16:24]) == SIZES[size]
        assert len(content) < 200_000
