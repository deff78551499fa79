"""Files find the one importer that fits, or are refused with a sentence; everything is read first."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wattbook
from wattbook.errors import ConfigError, ImportFailed
from wattbook.importing import Chosen, choose, open_all, opening, read, reading, spool_folder
from wattbook.model import Importer, ImportSource, SourceFile
from wattbook.plugins import Plugins, gather
from wattbook.testing.ledger import a_statement


def starts(mark: bytes) -> Callable[[SourceFile], bool]:
    return lambda file: file.head.startswith(mark)


def lines(source: ImportSource) -> Iterator[Any]:
    for file in source.files:
        with file.open() as stream:
            for number, line in enumerate(stream, start=1):
                if line.startswith(b"bad"):
                    raise ImportFailed("a bad line", path=file.path, line=number, field="kg")
                if line.startswith(b"skip"):
                    yield wattbook.Problem(reason="skipped", path=str(file.path), line=number)
                elif line.startswith(b"kg"):
                    yield a_statement(line.split()[1].decode(), service=file.path.name)


def fake(*offers: Importer) -> Any:
    @wattbook.hookimpl
    def import_provided(source: ImportSource, config: object) -> list[Importer]:
        return list(offers)

    plugin = ModuleType("fake")
    plugin.import_provided = import_provided  # type: ignore[attr-defined]
    return plugin


def an_importer(form: str, mark: bytes, read: Any = lines, *, gathers: bool = False, sniff: Any = None) -> Importer:
    return Importer(format=form, basis=wattbook.Basis.PROVIDED, sniff=sniff or starts(mark), read=read, gathers=gathers)


PAGES = an_importer("pages", b"pages", gathers=True)
SHEETS = an_importer("sheets", b"sheet")
PLUGINS = gather([("acme", fake(PAGES)), ("other", fake(SHEETS))])


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def chosen_for(*paths: Path, plugins: Plugins = PLUGINS, form: str | None = None) -> list[Chosen]:
    return choose(plugins, open_all(paths), form)[0]


def refusal(*paths: Path, plugins: Plugins = PLUGINS, form: str | None = None) -> str:
    with pytest.raises(ImportFailed) as refused:
        chosen_for(*paths, plugins=plugins, form=form)
    assert refused.value.path
    return str(refused.value)


def test_pages_of_one_export_are_one_import_and_sheets_one_each(tmp_path: Path) -> None:
    for name, text in (("a", "pages\n"), ("b", "sheet\n"), ("c", "pages\n"), ("d", "sheet\n")):
        write(tmp_path / "in" / name, text)
    chosen = chosen_for(tmp_path / "in")
    assert [(c.importer.format, [f.file.path.name for f in c.files]) for c in chosen] == [
        ("pages", ["a", "c"]),
        ("sheets", ["b"]),
        ("sheets", ["d"]),
    ]


def test_what_a_folder_holds_besides_is_named_and_left_out(tmp_path: Path) -> None:
    write(tmp_path / "in" / "page", "pages\n")
    write(tmp_path / "in" / "manifest.json", "{}")
    write(tmp_path / "in" / "_SUCCESS", "")
    chosen, problems = choose(PLUGINS, open_all([tmp_path / "in"]))
    assert len(chosen) == 1
    assert sorted(Path(p.path or "").name for p in problems) == ["_SUCCESS", "manifest.json"]


def test_a_folder_in_which_nothing_is_recognised_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "good", "pages\n")
    write(tmp_path / "in" / "manifest.json", "{}")
    said = refusal(tmp_path / "good", tmp_path / "in")
    assert "pages, sheets" in said
    assert str(tmp_path / "in") in said


def test_a_file_that_is_named_twice_is_taken_once(tmp_path: Path) -> None:
    path = write(tmp_path / "in" / "a", "pages\n")
    assert len(open_all([path, tmp_path / "in", tmp_path / "in" / ".." / "in" / "a"])) == 1


def test_a_folder_of_many_files_is_read_with_short_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MANY_FILES", 2)
    for name in "abc":
        write(tmp_path / name, "pages\n" + "x" * 10_000)
    assert {len(one.file.head) for one in open_all([tmp_path])} == {opening.SMALL_HEAD_BYTES}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="empty"):
        open_all([tmp_path])


def test_a_file_that_nobody_knows_is_refused_with_the_formats(tmp_path: Path) -> None:
    assert "expected one of pages, sheets" in refusal(write(tmp_path / "x", "what\n"))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in refusal(write(tmp_path / "x", ""))
    assert "empty" in refusal(write(tmp_path / "x.gz", gzip.compress(b"")))
    assert "empty" in refusal(write(tmp_path / "x", ""), form="pages")


def test_without_plugins_the_refusal_says_so(tmp_path: Path) -> None:
    assert "no installed plugin" in refusal(write(tmp_path / "x", "pages\n"), plugins=gather([]))


def test_two_importers_that_both_know_a_file_are_named(tmp_path: Path) -> None:
    twin = gather([("acme", fake(PAGES)), ("copycat", fake(an_importer("rows", b"page")))])
    said = refusal(write(tmp_path / "x", "pages\n"), plugins=twin)
    assert "pages (acme)" in said
    assert "rows (copycat)" in said
    assert chosen_for(tmp_path / "x", plugins=twin, form="rows")[0].plugin == "copycat"


def test_a_format_that_nobody_reads_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pages, sheets"):
        chosen_for(write(tmp_path / "x", "pages\n"), form="page")


def test_a_named_format_reads_a_file_that_it_does_not_recognise(tmp_path: Path) -> None:
    assert chosen_for(write(tmp_path / "x", "kg 1\n"), form="sheets")[0].importer is SHEETS


def test_a_named_format_leaves_the_rest_of_a_folder_alone(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a", "pages\n")
    write(tmp_path / "in" / "b", "sheet\n")
    assert [len(c.files) for c in chosen_for(tmp_path / "in", form="pages")] == [1]


def test_a_sniff_that_fails_harms_nobody_and_is_named_when_it_matters(tmp_path: Path) -> None:
    def explode(file: SourceFile) -> bool:
        raise RuntimeError("boom")

    plugins = gather([("acme", fake(PAGES)), ("bad", fake(an_importer("bad", b"", sniff=explode)))])
    assert chosen_for(write(tmp_path / "x", "pages\n"), plugins=plugins)[0].plugin == "acme"
    assert "bad is broken (RuntimeError: boom)" in refusal(write(tmp_path / "y", "what\n"), plugins=plugins)


def test_a_plugin_that_fails_when_asked_harms_nobody(tmp_path: Path) -> None:
    @wattbook.hookimpl
    def import_provided(source: ImportSource, config: object) -> list[Importer]:
        raise RuntimeError("boom")

    bad = ModuleType("bad")
    bad.import_provided = import_provided  # type: ignore[attr-defined]
    plugins = gather([("acme", fake(PAGES)), ("bad", bad)])
    assert chosen_for(write(tmp_path / "x", "pages\n"), plugins=plugins)[0].plugin == "acme"
    assert "bad is broken" in refusal(write(tmp_path / "y", "what\n"), plugins=plugins)


@pytest.mark.parametrize("path", ["missing", "/dev/null"])
def test_what_is_no_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ImportFailed) as refused:
        open_all([tmp_path / path])
    assert path in str(refused.value)


def test_a_packed_file_that_is_cut_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(b"pages\n" + os.urandom(200_000))
    path = write(tmp_path / "x.gz", whole[: len(whole) // 2])
    (chosen,) = chosen_for(path)
    with pytest.raises(ImportFailed, match="cut or damaged"):
        read(chosen, ImportSource())
    for junk in (whole[:8], whole[:2], b"\x1f\x8bjunk", whole[:10] + b"\xff" * 40):
        with pytest.raises(ImportFailed):
            chosen_for(write(tmp_path / "y.gz", junk))


def test_a_packed_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BOMB_BYTES", 1 << 20)
    (chosen,) = chosen_for(write(tmp_path / "x.gz", gzip.compress(b"pages\n" + b"0" * (8 << 20))))
    with pytest.raises(ImportFailed, match="unpacks"):
        read(chosen, ImportSource())


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_FILES", 2)
    for name in "abc":
        write(tmp_path / name, "pages\n")
    with pytest.raises(ImportFailed, match="holds 3 files"):
        open_all([tmp_path])


def test_what_was_read_keeps_its_order_and_its_problems(tmp_path: Path) -> None:
    (chosen,) = chosen_for(write(tmp_path / "x", "sheet\nkg 1\nskip\nkg 2\n"))
    imported = read(chosen, ImportSource(), version="1.2")
    assert [str(s.co2e_kg) for s in imported.statements] == ["1", "2"]
    assert [(p.line, p.path) for p in imported.problems] == [(3, str(tmp_path / "x"))]
    assert (imported.plugin, imported.plugin_version, imported.format) == ("other", "1.2", "sheets")


def test_a_refusal_names_file_line_and_field(tmp_path: Path) -> None:
    (chosen,) = chosen_for(write(tmp_path / "x", "sheet\nbad\n"))
    with pytest.raises(ImportFailed) as refused:
        read(chosen, ImportSource())
    assert str(refused.value) == f"{tmp_path / 'x'}:2 [kg]: a bad line"


def test_a_file_without_any_figure_is_refused(tmp_path: Path) -> None:
    (chosen,) = chosen_for(write(tmp_path / "x", "sheet\nskip\n"))
    with pytest.raises(ImportFailed, match="no power and no carbon figure"):
        read(chosen, ImportSource())


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (RuntimeError("boom"), "defect of the plugin"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "encoding"),
        (EOFError("cut"), "cut or damaged"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_whatever_a_plugin_raises_becomes_a_sentence(tmp_path: Path, error: Exception, word: str) -> None:
    def explode(source: ImportSource) -> Iterator[Any]:
        yield a_statement()
        raise error

    plugins = gather([("bad", fake(an_importer("bad", b"bad", explode)))])
    (chosen,) = chosen_for(write(tmp_path / "x", "bad\n"), plugins=plugins)
    with pytest.raises(ImportFailed, match=word):
        read(chosen, ImportSource())


def test_something_else_than_the_three_nouns_is_a_defect(tmp_path: Path) -> None:
    plugins = gather([("bad", fake(an_importer("bad", b"bad", lambda source: iter([1]))))])
    (chosen,) = chosen_for(write(tmp_path / "x", "bad\n"), plugins=plugins)
    with pytest.raises(ImportFailed, match="yielded a int"):
        read(chosen, ImportSource())


def test_the_hash_is_that_of_the_content_packed_or_not(tmp_path: Path) -> None:
    text = b"sheet\nkg 1\n"
    hashes = {
        read(chosen_for(path)[0], ImportSource()).sha256
        for path in (write(tmp_path / "x", text), write(tmp_path / "y.gz", gzip.compress(text)))
    }
    assert hashes == {hashlib.sha256(text).hexdigest()}


def test_the_hash_of_several_files_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    def sha256(folder: str, **files: str) -> str:
        for name, text in files.items():
            write(tmp_path / folder / name, f"pages\n{text}\n")
        return read(chosen_for(tmp_path / folder)[0], ImportSource()).sha256

    first = sha256("one", a="kg 1", b="kg 2")
    assert sha256("two", b="kg 2", a="kg 1") == first
    assert sha256("three", a="kg 2", b="kg 1") != first


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_once_and_used_twice(tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"sheet\nkg 1\n",))
    writer.start()
    with spool_folder() as folder:
        (chosen,), _ = choose(PLUGINS, open_all([pipe], spool=folder))
        imported = read(chosen, ImportSource())
        assert imported.shown == (str(pipe),)
        assert imported.statements
    writer.join()
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(opening, "MAX_PIPE_BYTES", 1 << 20)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write_on() -> None:
        with contextlib.suppress(BrokenPipeError):
            pipe.write_bytes(b"sheet\n" * (1 << 20))

    writer = threading.Thread(target=write_on)
    writer.start()
    with spool_folder() as folder, pytest.raises(ImportFailed, match="through the pipe"):
        open_all([pipe], spool=folder)
    writer.join()
