"""Table, Markdown, CSV, JSON and HTML say the same figures, whatever is in the book."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from attrs import evolve
from wattbook.accounting import Interval
from wattbook.config import Account, Budgets, Config
from wattbook.explaining.figures import derive
from wattbook.records import Place
from wattbook.report import Period, Report, build
from wattbook.report.as_csv import as_csv
from wattbook.report.as_html import as_html, rows_for
from wattbook.report.as_json import as_json
from wattbook.report.as_markdown import as_markdown
from wattbook.report.as_table import as_table
from wattbook.report.model import Adjusted
from wattbook.report.numbers import carbon_text, energy_text, signed_text
from wattbook.testing.builders import START
from wattbook.testing.entries import a_gap_entry, a_run, a_statement, an_entry

pytest.importorskip("jinja2", reason="the HTML page needs the extra 'report'")

KWH = 3_600_000.0
OCTOBER = Period.from_month("2026-10", "Asia/Singapore")
CONFIG = Config(
    accounts={"acme/1": Account(platforms=("cloud",))},
    budgets=Budgets(team_kg_per_month=20.0, projects_kg_per_month={"ner": 5.0, "nobody": 1.0}),
)
SEPTEMBER = timedelta(days=-30)
HALL = Place(site="hall", zone="DE", pue=1.4)
HEADS = ["energy", "location-based", "market-based"]


def month(shift: timedelta, size: float) -> list[Any]:
    start = START + shift
    return [
        an_entry(4 * KWH * size, start=start, error=0.1, platform="server", project="ner", phase="train", place=HALL),
        an_entry(2 * KWH, start=start, error=0.5, basis="estimated", platform="laptops", project="asr", phase="dev",
                 host="laptop", cause="model:tdp"),
        an_entry(KWH, start=start, platform="ci", phase="ci", host="runner", error=0.2, basis="estimated"),
        an_entry(3 * KWH, start=start, platform="cloud", project="ner", phase="train", host="vm", error=0.3),
        an_entry(0.4 * KWH, start=start, platform="server", phase="idle", host="spare", error=0.05),
        a_gap_entry(start=start, host="laptop"),
    ]  # fmt: skip


def team() -> Report:
    """Two months with every basis, a provider's figure of two accounts, one of no method, and budgets."""
    stated = [
        a_statement("10"), a_statement("9", method="market"), a_statement("2", account="2", method="unsplit"),
        a_statement("8", month="2026-09"), a_statement("7", month="2026-09", method="market"),
    ]  # fmt: skip
    runs = [a_run(), a_run("run-0", start=START + SEPTEMBER)]
    previous = build(month(SEPTEMBER, 0.8), stated, runs, CONFIG, Period.from_month("2026-09", "Asia/Singapore"), ())
    return build(month(timedelta(), 1.0), stated, runs, CONFIG, OCTOBER, previous=previous)


Tables = dict[str, dict[str, list[str]]]


def cells_of_table(text: str) -> Tables:
    tables: Tables = {}
    title = ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            title = line
            tables.setdefault(title, {})
        elif line.strip():
            name, *cells = re.split(r"\s{2,}", line[2:].rstrip())
            tables[title][name] = cells
    return tables


def cells_of_markdown(text: str) -> Tables:
    tables: Tables = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("## "):
            title = line[3:]
            tables[title] = {}
        elif line.startswith("| ") and not line.startswith("| ---"):
            plain = re.sub(r"\\(.)", r"\1", line)
            name, *cells = [cell.strip() for cell in plain.strip().removeprefix("|").removesuffix("|").split(" | ")]
            tables[title][name] = cells
    return tables


class Page(HTMLParser):
    """The tables of the page by the heading that labels them: texts of all cells and the numbers behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: dict[str, str] = {}
        self.tables: Tables = {}
        self.numbers: dict[str, dict[str, list[float]]] = {}
        self._table = self._heading = ""
        self._cells: list[str] = []
        self._values: list[float] = []
        self._open = False

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        told = dict(attributes)
        if tag in ("h2", "h3"):
            self._heading = told.get("id", "")
            self.headings[self._heading] = ""
        elif tag == "table":
            self._table = told["aria-labelledby"]
            self.tables[self._table], self.numbers[self._table] = {}, {}
        elif tag == "tr":
            self._cells, self._values = [], []
        elif tag in ("td", "th"):
            self._cells.append("")
            self._open = True
        elif tag == "data" and self._open:
            self._values.append(float(told["value"]))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h2", "h3"):
            self._heading = ""
        elif tag in ("td", "th"):
            self._open = False
        elif tag == "tr":
            name, *cells = [" ".join(cell.split()) for cell in self._cells]
            self.tables[self._table][name] = cells
            self.numbers[self._table][name] = self._values

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings[self._heading] += data
        if self._open:
            self._cells[-1] += data


def page_of(report: Report) -> Page:
    page = Page()
    page.feed(as_html(report, derive(report, rows_for(len(report.by)))))
    return page


def number_rows(rows: list[dict[str, str]]) -> dict[tuple[str, str, str], tuple[float | None, ...]]:
    columns = ("energy_j", "co2e_location_g", "co2e_market_g", "co2e_unsplit_g")
    return {
        (row["dimension"], row["key"], row["basis"]): tuple(float(row[c]) if row[c] else None for c in columns)
        for row in rows
    }


def numbers_of(total: dict[str, Any]) -> tuple[float | None, ...]:
    return (total["energy_j"], *total["co2e_g"].values())


def texts_of(total: dict[str, Any]) -> list[str]:
    """What people read, made from the numbers of the JSON document alone."""

    def told(value: float | None, low: float | None, high: float | None, text: Any) -> str:
        return str(text(None if value is None else Interval(value, low, high)))

    energy = told(total["energy_j"], total["energy_low_j"], total["energy_high_j"], energy_text)
    location, market, unsplit = (
        told(total["co2e_g"][view], total["co2e_low_g"][view], total["co2e_high_g"][view], carbon_text)
        for view in ("location", "market", "unsplit")
    )
    if total["co2e_g"]["unsplit"] is not None:
        extra = f"{unsplit} of unstated method"
        location = extra if total["co2e_g"]["location"] is None else f"{location} + {extra}"
    return [energy, location, market]


def test_every_total_and_every_row_is_the_same_in_all_formats() -> None:
    report = team()
    document = json.loads(json.dumps(as_json(report)))
    table, markdown, page = cells_of_table(as_table(report)), cells_of_markdown(as_markdown(report)), page_of(report)
    numbers = number_rows(list(csv.DictReader(io.StringIO(as_csv(report)))))
    rows = [("Total", "h-mix", "total", "", "all", "all", document["total"])]
    rows += [("Total", "h-mix", "total", "", b, b, document["by_basis"][b]) for b in document["by_basis"]]
    for place, (dim, keys) in enumerate(document["by"].items()):
        for row in keys:
            name = row["key"] if row["key"] is not None else "(no label)"
            rows.append((f"By {dim}", f"h-by-{place}", dim, row["key"] or "", "all", name, row))
    assert len(rows) > 12
    for title, heading, dimension, key, basis, name, total in rows:
        expected = texts_of(total)
        assert table[title][name][:3] == expected, (title, name)
        assert markdown[title][name][:3] == expected, (title, name)
        assert page.tables[heading][name][:3] == expected, (title, name)
        assert page.tables[heading][name][3] == table[title][name][3], (title, name)
        told = numbers_of(total)
        assert numbers[dimension, key, basis] == told, (title, name)
        order = (told[0], told[1], told[3], told[2])  # the page has what is of no method beside location
        assert page.numbers[heading][name] == [n for n in order if n is not None], (title, name)


def test_claims_scopes_change_runs_reductions_and_budgets_are_the_same_in_all_formats() -> None:
    report = team()
    document = as_json(report)
    table, markdown, page = cells_of_table(as_table(report)), cells_of_markdown(as_markdown(report)), page_of(report)
    assert [len(document[part]) for part in ("claims", "scopes", "top_runs", "reductions", "budgets")] == [
        2,
        2,
        1,
        3,
        3,
    ]

    for title in ("Provided, and what of it we know", "Scopes", "Change since 2026-09", "Budgets", "Not covered"):
        assert table[title] == markdown[title], title

    for one in document["claims"]:
        account = f"{one['provider']}/{one['account']}"
        cells = page.tables["h-claims"][account]
        for number, view in ((1, "location"), (2, "market")):
            assert cells[number] == carbon_text(one["provided_g"][view]), (account, view)
        assert cells[5] == carbon_text(one["unallocated_g"])
        assert table["Provided, and what of it we know"][account][-1] == cells[5]

    for use in document["scopes"]:
        for cells in (table["Scopes"][use["scope"]], page.tables["h-scopes"][use["scope"]]):
            assert cells[:3] == texts_of(use)
    for step in document["change"]["steps"]:
        for cells in (table["Change since 2026-09"][step["cause"]], page.tables["h-change"][step["cause"]]):
            assert cells[0] == signed_text(step["co2e_g"])
        assert page.numbers["h-change"][step["cause"]] == [step["co2e_g"]]
    for use in document["budgets"]:
        name = use["project"] or "all"
        for cells in (table["Budgets"][name], page.tables["h-budgets"][name]):
            assert cells[1] == carbon_text(use["budget_g"])
        assert table["Budgets"][name] == page.tables["h-budgets"][name]
    for run in document["top_runs"]:
        assert page.tables["h-runs"][run["run_id"]][2:] == texts_of(run)[:2]


def test_the_previous_period_and_the_causes_are_lines_of_the_csv() -> None:
    report = team()
    document = as_json(report)
    numbers = number_rows(list(csv.DictReader(io.StringIO(as_csv(report)))))
    assert numbers["previous", "2026-09", "all"] == numbers_of(document["change"]["before"])
    causes = {key: row[1] for (dimension, key, _), row in numbers.items() if dimension == "change"}
    assert causes == {step["cause"]: step["co2e_g"] for step in document["change"]["steps"]}


def adjusted_team() -> Report:
    """A month that tells what became known of two closed ones."""

    def told(energy_j: float | None, location: float | None, market: float | None) -> dict[str, Any]:
        return {"energy_j": energy_j, "co2e_g": {"location": location, "market": market, "unsplit": None}}

    months = {
        "2026-08": [("late entries", 3, told(7.2e6, 2400.5, 2400.5)), ("restatement", 1, told(0.0, -900.25, None))],
        "2026-09": [("correction", 1, told(-3.6e6, -1200.0, -1200.0))],
    }
    whole = {"2026-08": told(7.2e6, 1500.25, 2400.5), "2026-09": told(-3.6e6, -1200.0, -1200.0)}
    adjustments = tuple(
        Adjusted(
            month=month, large=month == "2026-08",
            told={**whole[month], "month": month, "causes": [{"cause": c, "count": n, **d} for c, n, d in causes]},
        )
        for month, causes in months.items()
    )  # fmt: skip
    return evolve(team(), adjustments=adjustments)


def test_adjustments_of_closed_months_are_the_same_in_all_formats() -> None:
    report = adjusted_team()
    document = as_json(report)["adjustments"]
    assert [one["month"] for one in document] == ["2026-08", "2026-09"]
    title = "Adjustments of closed months, not in the total above"
    numbers = number_rows(list(csv.DictReader(io.StringIO(as_csv(report)))))
    causes = {key: row for key, row in numbers.items() if key[0].startswith("adjustment:")}
    assert causes == {
        (f"adjustment:{one['month']}", cause["cause"], "all"): numbers_of(cause)
        for one in document
        for cause in one["causes"]
    }
    for one in document:
        assert numbers["adjustment", one["month"], "all"] == numbers_of(one)
        parts = [row for (dimension, _, _), row in causes.items() if dimension.endswith(one["month"])]
        assert sum(row[1] or 0.0 for row in parts) == one["co2e_g"]["location"]
    shown = as_html(report, derive(report, rows_for(len(report.by))))
    table, markdown = as_table(report), as_markdown(report).replace("\\", "")
    for text in (table, markdown):
        assert title in text
    for cells in (
        ["+2.00 kWh", "+2.40 kg", "+2.40 kg"],
        ["0 Wh", "-900 g", "–"],
        ["-1.00 kWh", "-1.20 kg", "-1.20 kg"],
    ):
        assert re.search(r"\s{2,}".join(map(re.escape, cells)), table), cells
        assert " | ".join(cells) in markdown
        assert all(f">{cell}<" in shown for cell in cells)


def test_an_adjustment_on_the_page_leads_to_how_it_was_made() -> None:
    report = adjusted_team()
    page = page_of(report)
    assert page.numbers["h-adjustments"]["2026-09"] == [-3.6e6, -1200.0, -1200.0]
    shown = as_html(report, derive(report, rows_for(len(report.by))))
    assert shown.count('href="#f-adjustment-1"') == 8
    article = shown[shown.index('id="f-adjustment-1"') :]
    assert "wattbook ledger why 2026-09" in article.replace("&#39;", "'")[:1000]
    assert "more than 5 % of what it was closed with" in shown


def test_trend_biggest_cause_and_best_action_are_said_after_the_total_as_the_page_says_them() -> None:
    report = team()
    shown = as_html(report, derive(report, rows_for(len(report.by)))).replace("\u00a0", " ")
    table, markdown = as_table(report), as_markdown(report).replace("\\", "")
    assert table.index("\nTotal\n") < table.index("\nIn short\n") < table.index("\nBy platform\n")
    answers = re.findall(r"<h3>([^<]+)</h3>.*?<bdi>(.*?)</bdi>", shown)
    told = {head: re.sub(r"<[^>]+>", "", answer).lstrip("▲▼= ") for head, answer in answers}
    for head in ("Since 2026-09", "Biggest cause", "Best action"):
        assert f"{head}: {told[head]}. " in " ".join(table.split())
        assert f"- {head}: {told[head]}. " in markdown


def test_an_empty_month_has_nothing_to_say_in_short() -> None:
    report = build([], [], [], CONFIG, OCTOBER)
    assert "In short" not in as_table(report) + as_markdown(report)


def test_no_project_is_a_cause_where_all_are_small() -> None:
    entries = [an_entry(KWH, platform="server", project=f"p{n}", host=f"h{n}", error=0.1) for n in range(30)]
    text = as_table(build(entries, [], [a_run()], Config(), OCTOBER))
    assert "Biggest cause: server 100 %." in text
    assert "no project has 5 % of it" in text
