"""What every importer owes the core, as tests to inherit, whether it reads figures or recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from wattbook.errors import ImportFailed
from wattbook.model import Basis, Importer, ImportSource, Problem, Recording, Statement
from wattbook.testing.contracts import PluginContract

GARBAGE = (b"", b"\x00" * 64, b"hello\n", b"\xff\xfe\x00garbage")


class ReadingContract(PluginContract):
    """What every importer owes the core, whatever it reads."""

    #: the entry-point name of the plugin
    name: str = ""
    #: the sample's files, all of one import
    files: Sequence[Path] = ()
    #: the account that the user would say with ``--account``
    account: str | None = None
    #: what the user would say with ``--option``
    options: Mapping[str, str] | None = None

    @pytest.fixture
    def plugin_name(self) -> str:
        if not self.name:
            raise NotImplementedError("name the plugin: its entry-point name, as `name`")
        return self.name

    @pytest.fixture
    def sample(self) -> ImportSource:
        from wattbook.testing.builders import a_source

        if not self.files:
            raise NotImplementedError("name a sample that the plugin reads: its paths, as `files`")
        return a_source(*self.files, account=self.account, options=dict(self.options or {}))

    @pytest.fixture
    def importer(self, plugin: Any, sample: ImportSource, config: Any) -> Importer:
        offers = [o for o in plugin.import_provided(source=sample, config=config) if isinstance(o, Importer)]
        (fitting,) = [o for o in offers if all(o.sniff(file) for file in sample.files)]
        return fitting

    def test_formats_are_unique(self, plugin: Any, config: Any) -> None:
        offers = plugin.import_provided(source=ImportSource(), config=config)
        formats = [o.format for o in offers if isinstance(o, Importer)]
        assert formats
        assert len(set(formats)) == len(formats)

    def test_it_yields_what_its_basis_says(self, importer: Importer, sample: ImportSource) -> None:
        kinds = {type(item) for item in importer.read(sample)} - {Problem}
        assert kinds == {Statement if importer.basis is Basis.PROVIDED else Recording}

    def test_reading_twice_gives_the_same(self, importer: Importer, sample: ImportSource) -> None:
        assert list(importer.read(sample)) == list(importer.read(sample))

    @pytest.mark.usefixtures("no_network")
    def test_t13_a_file_needs_no_network(
        self, importer: Importer, sample: ImportSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """T13: and no credentials, wherever a library would look for them."""
        for variable in ("HOME", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_ID"):
            monkeypatch.setenv(variable, "/nonexistent")
        list(importer.read(sample))

    @pytest.mark.parametrize("content", GARBAGE)
    def test_garbage_is_not_recognised(self, plugin: Any, config: Any, tmp_path: Path, content: bytes) -> None:
        from wattbook.testing.builders import a_source

        path = tmp_path / "garbage.txt"
        path.write_bytes(content)
        source = a_source(path)
        for offer in plugin.import_provided(source=source, config=config):
            assert not (isinstance(offer, Importer) and any(offer.sniff(file) for file in source.files))

    def test_t5_a_cut_file_is_refused_or_noted(self, importer: Importer, sample: ImportSource, tmp_path: Path) -> None:
        """T5: half of a file never passes silently as the whole one."""
        whole = list(importer.read(sample))
        first, *others = sample.files
        with first.open() as stream:
            data = stream.read()
        path = tmp_path / first.path.name.removesuffix(".gz")
        path.write_bytes(data[: len(data) // 2])
        try:
            cut = list(importer.read(evolve(sample, files=(*opened(path), *others))))
        except ImportFailed as refused:
            assert str(refused)
        else:
            assert cut != whole


class RecordingContract(ReadingContract):
    """What the importer of an instrument's recordings owes the core."""


def opened(*paths: Path) -> tuple[Any, ...]:
    """Files as an importer is given them."""
    from wattbook.testing.builders import a_source

    return a_source(*paths).files
