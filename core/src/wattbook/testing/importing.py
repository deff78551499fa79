"""The thirteen rules of a provider's figures, as tests to inherit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from wattbook.errors import ImportFailed
from wattbook.model import Basis, Importer, ImportSource, Statement
from wattbook.testing import samples
from wattbook.testing.books import a_book, totals_of
from wattbook.testing.reading import ReadingContract, opened

NO_NUMBERS = ("<0.001", "n/a", "-", "=1+1", "1.234,5", "NaN", "1_0")


class ImportContract(ReadingContract):
    """What the importer of a provider's figures owes the core: T1 to T13.

    ``name``, ``files`` and ``totals`` are enough to start.  Every further word about the sample adds the
    rules that need it; a rule that the sample has nothing for is none of the class's tests.
    """

    #: whether the sample is no text (Parquet): its rows then stand in a sample of text too, with the rules of text
    binary: bool = False

    #: T1: kilograms by (month, scope, method), to the last digit
    totals: Mapping[tuple[str, str, str], str] | None = None
    #: T6: the unit as statements name it, and how many kilograms one of it is
    unit: tuple[str, str] | None = None
    #: T3, T7, T10: a figure as it stands in a file of the sample, and another one to stand in its place
    figure: tuple[str, str] | None = None
    #: T3: a later version of the sample, whose months replace the sample's
    newer: Sequence[Path] = ()
    #: T5: the files are pages of one answer, the last one last
    pages: bool = False
    #: T9: columns or fields that must be there
    required: Sequence[str] = ()
    #: T12: files that say the same in another way
    alternatives: Sequence[Path] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for rule, needs in RULES.items():
            if rule not in vars(cls):
                said = all(getattr(cls, need) for need in needs) and not (cls.binary and rule in RULES_OF_TEXT)
                # what is no function is no test
                setattr(cls, rule, vars(ImportContract)[rule] if said else None)

    @pytest.fixture
    def stated(self, importer: Importer, sample: ImportSource) -> ImportSource:
        """The sample, where it holds a provider's figures."""
        if importer.basis is not Basis.PROVIDED:
            pytest.skip("an instrument's recording holds no provider's figures; RecordingContract is the shorter one")
        return sample

    @pytest.fixture
    def text(self, stated: ImportSource) -> str:
        """The sample's first file, or that with the figure, where it is text."""
        return _text(self._file(stated))

    def _file(self, source: ImportSource) -> Any:
        """The file that a rule changes: the one with the figure, else the first."""
        if self.figure is not None:
            for file in source.files:
                with file.open() as stream:
                    if self.figure[0].encode() in stream.read():
                        return file
            raise AssertionError(f"{self.figure[0]} stands in no file of the sample")
        return source.files[0]

    def _changed(self, source: ImportSource, text: str, tmp_path: Path) -> ImportSource:
        """The sample with *text* in place of the file that a rule changes."""
        own = self._file(source)
        path = tmp_path / own.path.name.removesuffix(".gz")
        path.write_bytes(text.encode())
        (made,) = opened(path)
        return evolve(source, files=tuple(made if file is own else file for file in source.files))

    def _figure(self) -> tuple[str, str]:
        assert self.figure is not None
        return self.figure

    def test_t1_totals_are_the_expected_ones(self, importer: Importer, stated: ImportSource) -> None:
        """T1: per month, scope and method, digit for digit."""
        if self.totals is None:
            raise NotImplementedError(
                "say what the sample adds up to, as `totals`: {(month, scope, method): kilograms}"
            )
        assert totals_of(importer.read(stated)) == {cell: Decimal(kg) for cell, kg in self.totals.items()}

    def test_t2_importing_twice_is_importing_once(
        self, importer: Importer, stated: ImportSource, tmp_path: Path
    ) -> None:
        """T2: in one import, and in the book."""
        copies: list[Any] = []
        for number, file in enumerate(stated.files):
            copy = tmp_path / str(number) / file.path.name
            copy.parent.mkdir()
            copy.write_bytes(file.path.read_bytes())
            copies += opened(copy)
        assert totals_of(importer.read(evolve(stated, files=(*stated.files, *copies)))) == totals_of(
            importer.read(stated)
        )
        with a_book(tmp_path) as book:
            assert book.put(importer, stated).new
            before = book.totals()
            again = book.put(importer, stated)
            assert (again.new, again.superseded) == (0, 0)
            assert book.totals() == before == totals_of(importer.read(stated))

    def test_t3_a_newer_version_replaces_the_month_and_an_older_one_is_refused(
        self, importer: Importer, stated: ImportSource, tmp_path: Path
    ) -> None:
        """T3: where the format says its version."""
        new = evolve(stated, files=opened(*self.newer))
        months = {month for month, *_ in totals_of(importer.read(new))}
        assert totals_of(importer.read(evolve(stated, files=(*new.files, *stated.files)))) == {
            **{c: kg for c, kg in totals_of(importer.read(stated)).items() if c[0] not in months},
            **totals_of(importer.read(new)),
        }
        with a_book(tmp_path) as book:
            book.put(importer, stated)
            assert book.put(importer, new).superseded
            restated = {cell: kg for cell, kg in book.totals().items() if cell[0] in months}
            assert restated == totals_of(importer.read(new))
        with a_book(tmp_path, "other") as book:
            book.put(importer, new)
            with pytest.raises(ImportFailed):
                book.put(importer, stated)

    def test_t3_a_silent_restatement_replaces_the_month_and_is_told(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """T3: the same version with another figure."""
        changed = self._changed(stated, samples.replaced(text, *self._figure()), tmp_path)
        with a_book(tmp_path) as book:
            book.put(importer, stated)
            done = book.put(importer, changed)
            assert done.superseded
            assert done.warnings
            assert book.totals() == totals_of(importer.read(changed)) != totals_of(importer.read(stated))

    @pytest.mark.parametrize("seed", range(3))
    def test_t4_order_of_rows_makes_no_difference(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path, seed: int
    ) -> None:
        """T4: of rows, or of the members of a page."""
        mixed = self._changed(stated, samples.shuffled(text, seed), tmp_path)
        assert totals_of(importer.read(mixed)) == totals_of(importer.read(stated))

    def test_t4_order_of_files_makes_no_difference(self, importer: Importer, stated: ImportSource) -> None:
        """T4: of pages and partitions."""
        backwards = evolve(stated, files=tuple(reversed(stated.files)))
        assert totals_of(importer.read(backwards)) == totals_of(importer.read(stated))

    def test_t5_a_missing_page_is_refused_or_makes_the_rest_partial(
        self, importer: Importer, stated: ImportSource
    ) -> None:
        """T5: never a smaller total that calls itself complete."""
        try:
            found = [s for s in importer.read(evolve(stated, files=stated.files[:-1])) if isinstance(s, Statement)]
        except ImportFailed as refused:
            assert str(refused)
        else:
            assert "partial" in {s.completeness for s in found}

    def test_t6_the_unit_is_a_constant_of_the_format(self, importer: Importer, stated: ImportSource) -> None:
        """T6: kilograms are the digits of the file times the unit."""
        assert self.unit is not None
        unit, kilograms = self.unit
        for item in importer.read(stated):
            if isinstance(item, Statement):
                assert item.unit_raw == unit
                assert item.co2e_kg == Decimal(item.value_raw) * Decimal(kilograms)

    def test_t7_nothing_is_not_zero(self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path) -> None:
        """T7: an empty figure gives no statement and no 0; a 0 gives one."""
        old, _ = self._figure()
        before = [item for item in importer.read(stated) if isinstance(item, Statement)]
        zeros = sum(not s.co2e_kg for s in before)
        for changed, is_zero in ((samples.emptied(text, old), False), (samples.replaced(text, old, "0"), True)):
            try:
                items = list(importer.read(self._changed(stated, changed, tmp_path)))
            except ImportFailed as refused:
                assert str(refused)
                continue
            found = [item for item in items if isinstance(item, Statement)]
            assert (sum(not s.co2e_kg for s in found) > zeros) is is_zero
            assert len(found) == len(before) if is_zero else len(found) < len(before)

    def test_t8_totals_are_not_added_to_their_parts(self, importer: Importer, stated: ImportSource) -> None:
        """T8: what a report shows is one branch: the stated total, else the sum of the scopes."""
        from wattbook.accounting import statement_totals

        found = [item for item in importer.read(stated) if isinstance(item, Statement)]
        sums = totals_of(found)
        for month, totals in statement_totals(found).items():
            for method in ("location", "market"):
                whole, scope2 = sums.get((month, "total", method)), sums.get((month, "2", method))
                if whole is not None and {s.account for s in found if s.scope == "total"} == {s.account for s in found}:
                    assert getattr(totals, method) == whole
                if whole is not None and scope2 is not None:
                    parts = sum((kg for (m, s, v), kg in sums.items() if m == month and s != "total" and v in (method, "unsplit")), Decimal(0))  # fmt: skip
                    assert abs(parts - whole) <= Decimal("0.01") * len(found)

    def test_t9_unknown_columns_are_tolerated(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """T9: a provider adds columns without asking."""
        wider = self._changed(stated, samples.widened(text), tmp_path)
        assert totals_of(importer.read(wider)) == totals_of(importer.read(stated))

    def test_t9_a_missing_column_is_named(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """T9: and nothing is read without it."""
        for name in self.required:
            with pytest.raises(ImportFailed) as refused:
                list(importer.read(self._changed(stated, samples.renamed(text, name), tmp_path)))
            assert _plain(name) in _plain(str(refused.value)), f"{refused.value} does not name {name}"

    def test_t10_a_conflicting_duplicate_is_refused(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """T10: one key with two figures in one import."""
        changed = self._changed(stated, samples.replaced(text, *self._figure()), tmp_path)
        with pytest.raises(ImportFailed):
            list(importer.read(evolve(stated, files=(*stated.files, *(set(changed.files) - set(stated.files))))))

    def test_t10_what_is_no_number_is_refused(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """Neither 0, nor a guess, nor a formula that is worked out."""
        old, _ = self._figure()
        for wrong in NO_NUMBERS:
            changed = samples.replaced(text, old, wrong, as_text=True)
            with pytest.raises(ImportFailed) as refused:
                list(importer.read(self._changed(stated, changed, tmp_path)))
            assert refused.value.line or refused.value.field or refused.value.path

    def test_t11_a_byte_order_mark_and_crlf_change_nothing(
        self, importer: Importer, stated: ImportSource, text: str, tmp_path: Path
    ) -> None:
        """T11: quoted commas stand in ``test_t9_unknown_columns_are_tolerated``."""
        marked = self._changed(stated, samples.with_marks(text), tmp_path)
        assert totals_of(importer.read(marked)) == totals_of(importer.read(stated))

    def test_t12_alternatives_are_not_added(self, importer: Importer, stated: ImportSource) -> None:
        """T12: of two answers that say the same, one counts."""
        other = evolve(stated, files=opened(*self.alternatives))
        mine, theirs = totals_of(importer.read(stated)), totals_of(importer.read(other))
        both = totals_of(importer.read(evolve(stated, files=(*stated.files, *other.files))))
        for cell in mine.keys() & theirs.keys():
            assert both[cell] in (mine[cell], theirs[cell])
        for cell, kg in both.items():
            assert kg <= max(mine.get(cell, Decimal(0)), theirs.get(cell, Decimal(0)))


#: what a class has to say of its sample for a rule to be one of its tests
RULES = {
    "test_t3_a_newer_version_replaces_the_month_and_an_older_one_is_refused": ("newer",),
    "test_t3_a_silent_restatement_replaces_the_month_and_is_told": ("figure",),
    "test_t4_order_of_rows_makes_no_difference": (),
    "test_t5_a_missing_page_is_refused_or_makes_the_rest_partial": ("pages",),
    "test_t6_the_unit_is_a_constant_of_the_format": ("unit",),
    "test_t7_nothing_is_not_zero": ("figure",),
    "test_t9_unknown_columns_are_tolerated": (),
    "test_t9_a_missing_column_is_named": ("required",),
    "test_t10_a_conflicting_duplicate_is_refused": ("figure",),
    "test_t10_what_is_no_number_is_refused": ("figure",),
    "test_t11_a_byte_order_mark_and_crlf_change_nothing": (),
    "test_t12_alternatives_are_not_added": ("alternatives",),
}
#: rules that change the text of the sample
RULES_OF_TEXT = {rule for rule in RULES if rule.startswith(("test_t4", "test_t7", "test_t9", "test_t10", "test_t11"))}


def _text(file: Any) -> str:
    with file.open() as stream:
        data = stream.read()
    return str(data.decode("utf-8-sig"))


def _plain(text: str) -> str:
    return text.casefold().replace(".", "_")
