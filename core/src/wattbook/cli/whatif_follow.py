"""Follow-ups of what-ifs: written down once, compared with later months, never part of a total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattbook.errors import WattbookError

if TYPE_CHECKING:
    from wattbook.cli.whatif_month import Month
    from wattbook.config import Config
    from wattbook.ledger.store import Ledger
    from wattbook.report import Period
    from wattbook.report.levers import Evidence, Options
    from wattbook.report.lines import Block

KIND = "follow-up"


def track(
    book: Ledger, settings: Config, period: Period, lever: str, options: Options, project: str | None
) -> tuple[dict[str, Any], list[Block]]:
    """Write down what a lever is expected to save; raises ``WattbookError`` where nobody knows."""
    from wattbook.cli.whatif import savings_of
    from wattbook.cli.whatif_month import month_of
    from wattbook.ledger.notes import add_note
    from wattbook.report.levers.follow import follow_up_of
    from wattbook.report.levers.lines import carbon
    from wattbook.report.lines import Block

    if period.whole_months() != 1:
        raise WattbookError("a follow-up is that of a calendar month: --month YYYY-MM")
    month = period.month_of(period.start)
    thought = month_of(book, settings, period, project)
    savings, _ = savings_of(thought.evidence, lever, options)
    found = [follow_up_of(one, month=month, zone=period.zone, project=project, options=options) for one in savings]
    made = next((one for one in found if one is not None), None)
    if made is None or made.expected.value <= 0:
        why = next(
            (one.lever.unknown for one in savings if one.lever.unknown), "it gains nothing that could be confirmed"
        )
        raise WattbookError(f"{lever} cannot be followed up from {month}: {why}")
    note_id, new = add_note(book, KIND, made.as_dict())
    told = f"{lever}{f' {made.argument}' if made.argument else ''}: {carbon(savings[0])} expected from {month}"
    rows = [(f"{told}; {'written down' if new else 'tracked already'} as {note_id[:12]}",)]
    rows.append(("'wattbook whatif follow-ups' compares it with later months; it enters no total",))
    rows += [(thought.note,)] if thought.note else []
    document = {"id": note_id, "new": new, **made.as_dict(), "closed": thought.closed_as_json()}
    return document, [Block(title="Follow-up", rows=tuple(rows))]


def follow_ups(book: Ledger, settings: Config, until: str, *, inclusive: bool) -> tuple[dict[str, Any], list[Block]]:
    """Every follow-up with what the latest month that is over, or *until*, says about it."""
    from wattbook.cli.whatif_month import month_of
    from wattbook.ledger.notes import notes
    from wattbook.report import Period
    from wattbook.report.levers.follow import NOT_YET, FollowUp, outcome_of
    from wattbook.report.levers.lines import interval_as_json
    from wattbook.report.lines import Block, clean
    from wattbook.report.numbers import CARBON_SCALE, spread_text

    seen: dict[tuple[str, str, str | None], Month] = {}

    def evidence(period: Period, project: str | None) -> Evidence:
        key = (period.title, period.zone, project)
        if key not in seen:
            seen[key] = month_of(book, settings, period, project)
        return seen[key].evidence

    rows: list[tuple[str, ...]] = []
    documents: list[dict[str, Any]] = []
    for note in notes(book, KIND):
        try:
            one = FollowUp.from_dict(note.content)
            last, then = Period.from_month(until, one.zone), Period.from_month(one.month, one.zone)
        except (KeyError, TypeError, ValueError):
            rows.append((note.note_id[:12], "", "", "", "", NOT_YET, "this note cannot be read"))
            documents.append({"id": note.note_id, "verdict": NOT_YET, "why": "this note cannot be read"})
            continue
        last = last if inclusive else last.before() or last
        now = evidence(last, one.project) if last.start > then.start else None
        outcome = outcome_of(one, evidence(then, one.project), now, last.title if now is not None else None)
        expected, observed = (
            spread_text(interval, 1.0, CARBON_SCALE)
            for interval in (outcome.expected or one.expected, outcome.observed)
        )
        name = " ".join(filter(None, (one.lever, one.argument, None if one.project is None else f"({one.project})")))
        rows.append(
            (
                clean(name),
                one.month,
                outcome.month or "none yet",
                expected,
                observed,
                outcome.verdict,
                clean(outcome.why),
            )
        )
        documents.append(
            {
                "id": note.note_id, "recorded_at": note.recorded_at, "lever": one.lever, "argument": one.argument,
                "project": one.project, "month": one.month, "compared_with": outcome.month,
                **interval_as_json("expected", "_g", outcome.expected or one.expected),
                **interval_as_json("observed", "_g", outcome.observed),
                "measure": outcome.measure or None, "verdict": outcome.verdict, "why": outcome.why,
            }
        )  # fmt: skip
    if not rows:
        return {"follow_ups": [], "notes": []}, [
            Block(title="Follow-ups", rows=(("nothing is tracked: wattbook whatif track LEVER",),))
        ]
    columns = ("lever", "from", "seen in", "expected", "observed", "verdict", "why")
    blocks = [Block(title="Follow-ups", columns=columns, rows=tuple(rows))]
    closed = sorted({month.note for month in seen.values() if month.note})
    if closed:
        blocks.append(Block(title="Closed months", rows=tuple((clean(note),) for note in closed)))
    return {"follow_ups": documents, "notes": closed}, blocks
