"""Who may do what in a team's PostgreSQL, as a script for its administrator: readers, writers, an owner."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import astuple, frozen

from wattbook.errors import LedgerError
from wattbook.ledger import schema

#: tables that only the owner adds to: what is done to months
OWNERS = (schema.period.name,)
MAX_BYTES = 63  #: PostgreSQL cuts longer names without a word


@frozen(kw_only=True)
class Roles:
    """The names of the three roles; people and agents get one of them with ``GRANT role TO login``."""

    owner: str = "wattbook_owner"
    writer: str = "wattbook_writer"
    reader: str = "wattbook_reader"

    def __attrs_post_init__(self) -> None:
        names = astuple(self)
        if len(set(names)) < len(names):
            raise LedgerError("the three roles need three names")
        for name in names:
            if not name or "\0" in name or len(name.encode("utf-8", "replace")) > MAX_BYTES or not name.isprintable():
                raise LedgerError(f"{name[:80]!r} is no name of a role in PostgreSQL")


def script(roles: Roles) -> str:
    """SQL that may be run again at any time, and is after an upgrade of the book: it grants what new tables need."""
    return "\n".join(_lines(roles)) + "\n"


def _lines(roles: Roles) -> Iterator[str]:
    owner, writer, reader = (_quoted(name) for name in astuple(roles))
    where = schema.PG_SCHEMA
    yield "-- Roles of a wattbook book. Make the book first ('wattbook ledger show'), then run this in its database as an"
    yield "-- administrator, and again after every upgrade of the book. Then: GRANT ... TO the logins of people and agents."
    yield "BEGIN;"
    for name in astuple(roles):
        yield (
            f"DO $wattbook$ BEGIN CREATE ROLE {_quoted(name)} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object THEN NULL; END $wattbook$;"
        )
    yield f"REVOKE ALL ON SCHEMA {where} FROM PUBLIC;"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {where} FROM PUBLIC, {writer}, {reader};"
    yield f"ALTER SCHEMA {where} OWNER TO {owner};"
    yield f"ALTER FUNCTION {where}.wattbook_append_only() OWNER TO {owner};"
    for name in sorted(schema.metadata.tables):
        yield f"ALTER TABLE {where}.{name} OWNER TO {owner};"
    yield f"GRANT USAGE ON SCHEMA {where} TO {writer}, {reader};"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {where} TO {writer}, {reader};"
    for name, table in sorted(schema.metadata.tables.items()):
        if name not in OWNERS:
            acts = "INSERT" if table.info["append_only"] else "INSERT, UPDATE, DELETE"
            yield f"GRANT {acts} ON {where}.{name} TO {writer};"
    yield "-- facts about the book itself are the owner's; anybody who writes may leave a note"
    meta = f"{where}.{schema.meta.name}"
    yield f"ALTER TABLE {meta} ENABLE ROW LEVEL SECURITY;"
    for policy in ("wattbook_read", "wattbook_note"):
        yield f"DROP POLICY IF EXISTS {policy} ON {meta};"
    yield f"CREATE POLICY wattbook_read ON {meta} FOR SELECT USING (true);"
    yield f"CREATE POLICY wattbook_note ON {meta} FOR INSERT TO {writer} WITH CHECK (name LIKE 'note:%');"
    yield "COMMIT;"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
