"""What a bill says of computing, as hours: for what has no figure of carbon, or has none yet."""

from __future__ import annotations
