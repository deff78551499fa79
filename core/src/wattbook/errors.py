"""What can go wrong, in the words a user would use."""

from __future__ import annotations

from os import PathLike, fspath


class WattbookError(Exception):
    """Base of every error that wattbook raises on purpose; its text is a sentence for a user."""


class Unavailable(WattbookError):
    """A source cannot be used here and now; ``remedy`` says what would change that."""

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class ReadError(WattbookError):
    """One poll of a meter failed; the next one may work again."""


class ConfigError(WattbookError):
    """The configuration is wrong; ``where`` is the path of the key, as in ``site.zone``."""

    def __init__(self, reason: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {reason}" if where else reason)
        self.reason = reason
        self.where = where


class ImportFailed(WattbookError):
    """A file was refused; nothing of it is recorded."""

    def __init__(
        self,
        reason: str,
        *,
        path: str | PathLike[str] | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.reason = reason
        self.path = None if path is None else fspath(path)
        self.line = line
        self.field = field
        super().__init__(str(self))

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}" if place else f"line {self.line}"
        if self.field is not None:
            place += f" [{self.field}]" if place else f"[{self.field}]"
        return f"{place}: {self.reason}" if place else self.reason

    def at(self, path: str | PathLike[str]) -> ImportFailed:
        """The same refusal with its file named, for parsers that see only bytes."""
        return self if self.path else ImportFailed(self.reason, path=path, line=self.line, field=self.field)


class LedgerError(WattbookError):
    """The book cannot be opened, read or written."""


class NoRecord(LedgerError):
    """Something that can never be written down in a book, on any day."""


class NoLedger(LedgerError, FileNotFoundError):
    """There is no book at this place, and none was to be made."""
