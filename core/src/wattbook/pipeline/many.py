"""Many questions to the estimators at once: the same answers as one by one, with fewer calls."""

from __future__ import annotations

from collections.abc import Sequence

from wattbook.model import Activity, Gap
from wattbook.pipeline import Filled, settled
from wattbook.plugins import Plugins

Question = tuple[list[Gap], Activity]


def fill_many(plugins: Plugins, questions: Sequence[Question]) -> list[Filled]:
    """``fill`` for each question, not calibrated."""
    answers: list[list[tuple[str, object]]] = [[] for _ in questions]
    asked = [number for number, (gaps, _) in enumerate(questions) if gaps]
    for plugin in plugins.implementing("estimate"):
        found = _answers(plugins, plugin, [questions[number] for number in asked])
        for number, some in zip(asked, found, strict=True):
            answers[number] += [(plugin, answer) for answer in some]
    return [settled(gaps, own) for (gaps, _), own in zip(questions, answers, strict=True)]


def _answers(plugins: Plugins, plugin: str, questions: Sequence[Question]) -> list[Sequence[object]]:
    """Of one plugin, by question; one by one where it cannot do more, or failed at it."""
    many = plugins.ask_alone(plugin, "estimate_many", questions=list(questions))
    if many is not None and len(many) == len(questions) and all(isinstance(one, list) for one in many):
        return many
    return [plugins.ask_alone(plugin, "estimate", gaps=gaps, activity=activity) or () for gaps, activity in questions]
