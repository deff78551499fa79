"""Whether a month could be fetched is known without a network: by the libraries and where credentials lie."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from wattbook import Unavailable
from wattbook_csp.fetch import INTERFACES, fetchers, readiness

VARIABLES = ("AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "APPDATA")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith(VARIABLES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a network was used")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(readiness, "find_spec", lambda name: object())
    return tmp_path


@pytest.mark.parametrize("name", [one.name for one in INTERFACES])
def test_without_credentials_it_says_how_to_log_in(name: str) -> None:
    with pytest.raises(Unavailable, match="no credentials") as refused:
        readiness.ready(name)
    assert "log in with" in refused.value.remedy


@pytest.mark.parametrize("name", [one.name for one in INTERFACES])
def test_without_the_library_it_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="not installed") as refused:
        readiness.ready(name)
    assert refused.value.remedy == f"pip install 'wattbook-csp[{name}]'"


def test_a_library_whose_parent_is_missing_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(readiness, "find_spec", missing)
    with pytest.raises(Unavailable, match="google-cloud-bigquery"):
        readiness.ready("gcp")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("aws", ".aws/credentials"), ("aws", ".aws/config"), ("azure", ".azure/msal_token_cache.json"),
        ("gcp", ".config/gcloud/application_default_credentials.json"),
    ],
)  # fmt: skip
def test_a_file_of_credentials_is_named_and_not_opened(name: str, file: str, home: Path) -> None:
    path = home / file
    path.parent.mkdir(parents=True)
    path.write_text("secret")
    path.chmod(0)
    said = readiness.ready(name)
    assert said.endswith(f"~/{file}")
    assert "secret" not in said


@pytest.mark.parametrize(
    ("name", "said", "shown"),
    [
        ("aws", {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hush"}, "AWS_ACCESS_KEY_ID"),
        ("aws", {"AWS_PROFILE": "hush"}, "AWS_PROFILE"),
        ("azure", {"AZURE_CLIENT_ID": "a", "AZURE_TENANT_ID": "b", "AZURE_CLIENT_SECRET": "hush"}, "AZURE_CLIENT_ID"),
    ],
)
def test_a_variable_is_named_and_its_value_never(
    name: str, said: dict[str, str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)
    assert readiness.ready(name) == f"fetches a month with the credentials of {shown}"


@pytest.mark.parametrize(
    ("name", "variable"), [("aws", "AWS_ACCESS_KEY_ID"), ("azure", "AZURE_CLIENT_ID"), ("aws", "AWS_SECRET_ACCESS_KEY")]
)
def test_half_of_a_key_is_none(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "x")
    with pytest.raises(Unavailable, match="no credentials"):
        readiness.ready(name)


def test_google_looks_nowhere_else_where_its_variable_names_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = home / ".config/gcloud/application_default_credentials.json"
    usual.parent.mkdir(parents=True)
    usual.write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(home / "gone.json"))
    with pytest.raises(Unavailable, match="no credentials"):
        readiness.ready("gcp")


def test_every_fetcher_says_whether_it_is_ready() -> None:
    assert all(one.ready is not None for one in fetchers())
