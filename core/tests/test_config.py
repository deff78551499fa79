"""The configuration: every key checked, every mistake named by its path."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import frozen
from wattbook.config import Config, load, structure
from wattbook.errors import ConfigError


def write(folder: Path, text: str, name: str = "wattbook.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_a_valid_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTBOOK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert load(cwd=tmp_path) == Config()


def test_a_site_is_read(tmp_path: Path) -> None:
    config = load(write(tmp_path, '[site]\nzone = "SG"\npue = 1\n'))
    assert (config.site.zone, config.site.pue) == ("SG", 1.0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[site]\nzoen = "SG"\n', "site: unknown key 'zoen'"),
        ('[site]\npue = "high"\n', "site.pue: 'high' is not a number"),
        ("[site]\npue = 0.4\n", "site.pue: 0.4 is not a power usage effectiveness"),
        ("[site]\npue = true\n", "site.pue"),
        ("[site]\nintensity_g_per_kwh = 412\n", "site.intensity_g_per_kwh: an intensity of your own needs"),
        ('[selct]\nprefer = ["rapl"]\n', "unknown key 'selct'"),
        ('[accounts."aws/1"]\nplatform = ["x"]\n', "unknown key 'platform'"),
        ('[report]\ntimezone = "Mars/Olympus"\n', "report.timezone: 'Mars/Olympus' is no IANA time zone"),
        ("[site\n", "is not TOML"),
    ],
)
def test_a_mistake_is_named_by_its_path(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(write(tmp_path, text))
    assert named in str(refused.value)


def test_a_mistake_names_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[site]\nzoen = "SG"\n')
    with pytest.raises(ConfigError, match=path.name):
        load(path)


def test_the_nearest_file_above_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTBOOK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    write(tmp_path, '[tool.wattbook.site]\nzone = "FR"\n', "pyproject.toml")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load(cwd=deep).site.zone == "FR"


def test_the_project_wins_over_the_user_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATTBOOK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "wattbook").mkdir(parents=True)
    write(tmp_path / "home" / "wattbook", '[site]\nzone = "SG"\npue = 1.0\n', "config.toml")
    write(tmp_path, '[site]\nzone = "FR"\n')
    config = load(cwd=tmp_path)
    assert (config.site.zone, config.site.pue, len(config.origins)) == ("FR", 1.0, 2)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "none.toml")


@frozen(kw_only=True)
class Plug:
    interval_s: float = 1.0
    names: tuple[str, ...] = ()


def test_a_plugins_table_becomes_its_own_class() -> None:
    assert structure(Plug, {"interval_s": 2, "names": ["a"]}, where="plugins.x") == Plug(interval_s=2.0, names=("a",))


def test_a_plugins_unknown_key_is_refused_with_its_path() -> None:
    with pytest.raises(ConfigError, match=r"plugins\.x: unknown key 'intervall_s'"):
        structure(Plug, {"intervall_s": 2}, where="plugins.x")


@pytest.mark.parametrize(("key", "value"), [("attribute", "nobody"), ("idle", "shared")])
def test_a_default_of_attribution_that_there_is_not_is_refused(tmp_path: Path, key: str, value: str) -> None:
    file = tmp_path / "wattbook.toml"
    file.write_text(f'[defaults]\n{key} = "{value}"\n')
    with pytest.raises(ConfigError, match=f"'{value}' is none of .*"):
        load(file)


def test_runs_can_book_what_their_processes_caused_by_default(tmp_path: Path) -> None:
    file = tmp_path / "wattbook.toml"
    file.write_text('[defaults]\nattribute = "process"\nidle = "reserved"\n')
    defaults = load(file).defaults
    assert (defaults.attribute, defaults.idle) == ("process", "reserved")


def test_a_working_folder_that_was_removed_has_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load() == load(cwd=Path("/"))
