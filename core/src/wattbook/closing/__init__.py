"""Closing a month, opening it again, and saying what changed since: figures of states of the book."""

from __future__ import annotations
