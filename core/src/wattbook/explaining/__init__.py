"""Why a number of the book is what it is: a tree whose leaves add up to it, as values, JSON and text."""

from __future__ import annotations

from wattbook.explaining.tree import Branch, Explanation, Leaf, explain, leaves_of

__all__ = ["Branch", "Explanation", "Leaf", "explain", "leaves_of"]
