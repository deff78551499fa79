"""The page: every figure leads to its derivation, nothing leads out of it, and nothing in the book can break it."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wattbook import WattbookError
from wattbook.config import Account, Budgets, Config
from wattbook.explaining.figures import derive
from wattbook.model import Statement
from wattbook.records import Entry, Labels, Place
from wattbook.report import Period, Report, build
from wattbook.report.as_html import as_html, rows_for
from wattbook.report.as_html.draw import Chart, check, draw
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

pytest.importorskip("jinja2", reason="the HTML page needs the extra 'report'")

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
CLOUD = Config(accounts={"acme/1": Account(platforms=("cloud",))})
MEGABYTE = 1_000_000


def picture(chart: Chart) -> str:
    return '<svg role="img" width="1" height="1"></svg>'


def report(*entries: Entry, statements: Iterable[Statement] = (), **more: Any) -> Report:
    told: dict[str, Any] = {"runs": (), "config": CLOUD, "period": OCTOBER, **more}
    return build(entries, statements, **told)


def page(made: Report, **more: Any) -> str:
    text = as_html(made, derive(made, rows_for(len(made.by))), **{"draw": picture, **more})
    return text.replace("\u00a0", " ")  # ties a number to its unit


def a_month() -> list[Entry]:
    return [
        an_entry(4 * KWH, error=0.1, platform="server", project="ner", phase="train", evidence_sha256="ab" * 32),
        an_entry(2 * KWH, error=0.5, basis="estimated", host="laptop", platform="laptops", project="asr", phase="dev"),
        an_entry(3 * KWH, error=0.3, host="vm", platform="cloud", project="ner", phase="train"),
        an_entry(0.4 * KWH, host="spare", phase="idle", platform="server"),
        a_gap_entry(host="laptop"),
    ]


class Links(HTMLParser):
    """Ids, links, and anything that could act or reach out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.acting: list[str] = []
        self.figures: list[tuple[str, str]] = []  #: (text of a figure's number, its target)
        self._link = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        told = dict(attributes)
        if "id" in told:
            self.ids.append(told["id"])
        if tag in ("script", "iframe", "object", "embed", "form", "base"):
            self.acting.append(tag)
        self.acting += [
            name for name in told if name.startswith("on") or name in ("src", "srcset", "action", "xlink:href")
        ]
        self.acting += [
            name for name, value in told.items()
            if name != "aria-label" and "url(" in (value or "").replace("url(#pattern-", "")
        ]  # fmt: skip
        if "href" in told:
            self.targets.append(told["href"])
        if tag == "a":
            self._link = told["href"] if told.get("class") == "fig" else ""
        if tag == "data" and self._link:
            self.figures.append((told["value"], self._link))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._link = ""


def checked(text: str) -> Links:
    """What holds for every page: links lead to places in it, and it neither acts nor loads anything."""
    links = Links(text)
    assert links.acting == []
    assert len(links.ids) == len(set(links.ids))
    assert {target for target in links.targets if target != "data:,"} <= {f"#{name}" for name in links.ids}
    assert "url(" not in text[text.index("<style>") : text.index("</style>")]
    assert "default-src 'none'" in text
    return links


def test_every_figure_leads_to_its_derivation() -> None:
    made = report(*a_month(), statements=(a_statement("10"), a_statement("9", method="market")))
    text = page(made)
    links = checked(text)
    assert len(links.figures) > 60
    bare = re.sub(r"<section id=\"how\".*", "", text, flags=re.DOTALL)
    assert bare.count("<data ") == len(links.figures), "a figure has no link"


def test_the_order_of_the_page_is_that_of_its_questions() -> None:
    text = page(report(*a_month(), statements=(a_statement("10"),)))
    order = re.findall(r'<section id="([^"]+)"', text)
    assert order == [
        "total", "mix", "by-0", "by-1", "by-2", "claims", "scopes", "change", "runs", "reductions", "gaps", "factors",
        "entries", "how",
    ]  # fmt: skip
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_addends_of_a_derivation_add_up_to_its_figure() -> None:
    many = [an_entry((i + 1) * KWH, host=f"host-{i}", error=0.1, project="ner") for i in range(20)]
    made = report(*many, *a_month(), statements=(a_statement("10"),))
    derived = derive(made, rows_for(3))
    for number, (dim, rows) in enumerate(made.by.items()):
        for place, row in enumerate(rows):
            one = derived.figures[f"f-{number}-{place}"]
            assert one.total == row.total, (dim, row.key)
            joules = [part.total.energy.value for part in one.addends if part.total.energy]
            grams = [part.total.location_g.value for part in one.addends if part.total.location_g]
            grams += [part.location_g for part in one.provided if part.location_g is not None]
            assert math.fsum(joules) == pytest.approx(row.total.energy.value if row.total.energy else 0.0)
            assert math.fsum(grams) == pytest.approx(row.total.location_g.value if row.total.location_g else 0.0)
    assert derived.figures["f-total"].total == made.total


def test_a_figure_is_two_links_away_from_its_evidence() -> None:
    text = page(report(*a_month()))
    total = re.search(r'<article id="f-total".*?</article>', text, re.DOTALL)
    assert total is not None
    origin = re.search(r'href="#(o\d+)"><bdi>host-1 cpu:0/package', total[0])
    assert origin is not None
    described = re.search(rf'<article id="{origin[1]}".*?</article>', text, re.DOTALL)
    assert described is not None
    assert "ab" * 32 in described[0]
    assert "wattbook explain run-1" in described[0]
    assert "4 kWh x PUE 1 x" in described[0]


NAMES = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=HYPERLINK(\"http://x\")", "{{ 7 * 7 }}", "{% raw %}",
    "\u202eevil\u202c", "مشروع", "𝒳🐍👩‍💻", "a\u2028b", "</title></style></svg>", "javascript:alert(1)", "url(http://x)",
    "x" * 5_000, "'; datum.constructor.constructor('return 1')()", "\\u0000 \\", "&lt;b&gt;", "",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_markup(name: str) -> None:
    pytest.importorskip("vl_convert", reason="charts need the extra 'report'")
    entry = an_entry(KWH, error=0.1, host=name or "h", run_id=name or "r", project=name, platform=name, phase="idle",
                     source=name, method=name, place=Place(site=name, zone="SG", pue=1.5))  # fmt: skip
    stated = [a_statement("10", provider=name or "p", account=name)]
    runs = [a_run(name or "r", command=name, host=name)]
    made = report(entry, a_gap_entry(name, host=name), statements=stated, runs=runs)
    text = page(made, draw=draw)
    checked(text)
    assert "vl-convert" not in text, "the charts are there"
    assert "<script" not in text
    assert "<img" not in text
    assert "49" not in re.findall(r"<bdi>([^<]*)</bdi>", text)
    assert len(text.encode()) < MEGABYTE


@settings(max_examples=40)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_label_breaks_the_page(project: str, reason: str) -> None:
    checked(page(report(an_entry(project=project, platform=reason), a_gap_entry(reason))))


def test_ten_thousand_projects_are_folded_and_add_up() -> None:
    labels = [Labels(project=f"project {i}", platform="server", phase="dev") for i in range(10_000)]
    base = an_entry(KWH, error=0.1)
    from attrs import evolve

    made = report(*(evolve(base, labels=one, host=f"host-{i % 3000}") for i, one in enumerate(labels)))
    text = page(made)
    checked(text)
    assert len(text.encode()) < MEGABYTE
    assert "(9980 more)" in text
    rows = re.search(r'<table role="table" aria-labelledby="h-by-2">.*?</table>', text, re.DOTALL)
    assert rows is not None
    joules = [float(v) for v in re.findall(r'data-head="energy"><a class="fig"[^>]*><data value="([^"]+)"', rows[0])]
    assert len(joules) == 21
    assert made.total.energy is not None
    assert math.fsum(joules) == pytest.approx(made.total.energy.value)


def test_many_dimensions_of_many_keys_stay_small() -> None:
    from wattbook.report.dimensions import DIMENSIONS

    entries = [an_entry(KWH + i, host=f"h{i}", project=f"p{i}", person=f"q{i}", run_id=f"r{i}") for i in range(300)]
    text = page(report(*entries, dims=DIMENSIONS))
    checked(text)
    assert len(text.encode()) < MEGABYTE


def test_many_accounts_budgets_gaps_and_notes_stay_small() -> None:
    config = Config(budgets=Budgets(team_kg_per_month=1.0, projects_kg_per_month={f"p{i}": 1.0 for i in range(2000)}))
    stated = [a_statement("1", account=f"{i}", completeness="partial") for i in range(2000)]
    gaps = [a_gap_entry(f"reason {i}", host=f"h{i}") for i in range(2000)]
    made = report(an_entry(KWH, project="p7", place=Place(zone="XX")), *gaps, statements=stated, config=config)
    text = page(made)
    checked(text)
    assert len(text.encode()) < MEGABYTE
    assert "1970 more are in the formats" in text
    assert "2.00 t" in text


def test_only_market_based_figures_are_not_nothing() -> None:
    text = page(report(statements=(a_statement("10", method="market"),)))
    checked(text)
    assert "location-based; market-based 10.0 kg" in text
    assert "nothing is in the book" not in text


def test_an_empty_month_says_so() -> None:
    text = page(report())
    checked(text)
    assert "The book holds no entry of this period." in text
    assert "nothing is in the book" in text
    assert ">0<" not in text


def test_only_gaps_are_no_zero() -> None:
    text = page(report(a_gap_entry("no sensor"), a_gap_entry("no sensor", host="two")))
    checked(text)
    assert "no sensor" in text
    assert "Unknown is not zero" in text
    assert '<data value="0' not in re.sub(r'href="#f-gaps"><data value="[^"]*"', "", text)


def test_only_provided_figures() -> None:
    text = page(report(statements=(a_statement("10"), a_statement("3", account="2", method="unsplit"))))
    checked(text)
    assert "13.0 kg CO2e" in text
    assert "of unstated method" in text
    assert "100 % provided" in text


def test_a_negative_remainder_is_shown() -> None:
    made = report(an_entry(100 * KWH, platform="cloud", project="ner"), statements=(a_statement("10"),))
    text = page(made)
    links = checked(text)
    assert made.claims[0].unallocated_g is not None
    assert made.claims[0].unallocated_g < 0
    assert (str(made.claims[0].unallocated_g), "#f-claim-0") in links.figures


def test_a_negative_statement_is_shown_and_draws_nothing() -> None:
    pytest.importorskip("vl_convert", reason="charts need the extra 'report'")
    text = page(report(statements=(a_statement("-10"), a_statement("4", account="2"))), draw=draw)
    checked(text)
    assert "-6.00 kg" in text


def test_a_broken_chart_library_leaves_the_tables_and_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """As a panic of a Rust extension reaches Python."""

    def panics(spec: object) -> str:
        raise Panic("index out of bounds")

    for library in (
        SimpleNamespace(vegalite_to_svg=panics), SimpleNamespace(), SimpleNamespace(vegalite_to_svg=lambda spec: "no"), None,
    ):  # fmt: skip
        monkeypatch.setitem(sys.modules, "vl_convert", library)
        text = page(report(*a_month()), draw=draw)
        checked(text)
        assert text.count("the tables say the same") == 1
        assert text.count("<table") == text.count("</table>") > 6
        assert 'role="img"' not in text


def test_a_picture_with_more_than_a_drawing_is_refused() -> None:
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="1" height="1">'
    check(head + '<path d="M0 0" fill="url(#pattern-measured)"/></svg>')
    for body in (
        "<script>1</script>", '<a href="x"><path/></a>', '<path onclick="x"/>', '<image xlink:href="http://x"/>',
        '<path fill="url(http://x)"/>', "<foreignObject/>", "<style>*{}</style>", "<path",
    ):  # fmt: skip
        with pytest.raises(WattbookError, match="no charts"):
            check(head + body + "</svg>")


def test_without_jinja2_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from wattbook.report import as_html as package

    package._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(WattbookError, match=r"wattbook\[report\]"):
        page(report())
    monkeypatch.undo()
    package._template.cache_clear()


def test_synthetic_figures_carry_a_watermark() -> None:
    text = page(report(an_entry(synthetic=True)))
    assert 'class="synthetic"' in text
    assert text.count("synthetic example data") >= 2
    assert "synthetic" not in page(report(an_entry())).replace(".synthetic::before", "")


def test_the_same_report_gives_the_same_bytes() -> None:
    pytest.importorskip("vl_convert", reason="charts need the extra 'report'")
    once, again = (page(report(*a_month(), statements=(a_statement("10"),)), draw=draw) for _ in range(2))
    assert once == again


def test_charts_name_what_they_show_and_letters_say_what_colour_does() -> None:
    pytest.importorskip("vl_convert", reason="charts need the extra 'report'")
    text = page(report(*a_month()), draw=draw)
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', text)
    assert len(labels) == 4
    assert labels[0] == "How the total is known, by carbon: M 79 % E 21 %"
    assert ">M 79 %</text>" in text
    assert "url(#pattern-measured)" in text
    for name in re.findall(r"url\((#[^)]+)\)", text):
        assert f'id="{name[1:]}"' in text


def test_the_first_screen_answers_five_questions() -> None:
    config = Config(accounts=CLOUD.accounts, budgets=Budgets(team_kg_per_month=5.0))
    before = report(an_entry(KWH, start=START - timedelta(days=30), platform="server"), config=config,
                    period=Period.from_month("2026-09", "Asia/Singapore"), dims=())  # fmt: skip
    text = page(report(*a_month(), config=config, previous=before))
    cards = re.findall(r"<li><h3>(.*?)</h3><p class=\"answer\">(.*?)</p><p>(.*?)</p>", text)
    plain = [tuple(re.sub(r"<[^>]+>", "", part) for part in card) for card in cards]
    assert [head for head, _, _ in plain] == [
        "Total",
        "Since 2026-09",
        "How it is known",
        "Biggest cause",
        "Best action",
    ]
    answers = {head: (answer, below) for head, answer, below in plain}
    assert answers["Total"][0].endswith("kg CO2e")
    assert "of the budget of 5.00 kg" in answers["Total"][1]
    assert answers["Since 2026-09"][0].startswith("▲ ")
    assert answers["How it is known"] == ("79 % measured", "21 % estimated, coverage 100 %")
    assert answers["Biggest cause"][0].startswith("cloud ") or answers["Biggest cause"][0].startswith("server ")
    assert answers["Best action"][0] == "Work where the grid is cleaner"
