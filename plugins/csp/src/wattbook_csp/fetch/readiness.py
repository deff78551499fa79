"""Whether a month could be fetched: the library and where credentials lie, without a network or a look into them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from wattbook import Unavailable

LOG_IN = {
    "aws": "log in with `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "gcp": "log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
    "azure": "log in with `az login`, or set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET",
}


class _Cloud(NamedTuple):
    libraries: tuple[str, ...]
    found: Callable[[], Iterator[str]]  #: the places where credentials lie, the first one used first


def ready(name: str) -> str:
    """Where the fetcher *name* would take its credentials from; raises ``Unavailable`` where it cannot be asked."""
    cloud = _CLOUDS[name]
    missing = [library for library in (*cloud.libraries, "stamina") if not _installed(library)]
    if missing:
        reason = f"fetching needs {', '.join(one.replace('.', '-') for one in missing)}, not installed"
        raise Unavailable(reason, remedy=f"pip install 'wattbook-csp[{name}]'")
    place = next(cloud.found(), None)
    if place is None:
        reason = "no credentials found; those that a cloud machine has by itself are seen when it is asked"
        raise Unavailable(reason, remedy=LOG_IN[name])
    return f"fetches a month with the credentials of {place}"


def _installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def _variables(*names: str) -> Iterator[str]:
    """The first of some variables, if all of them are set."""
    if all(os.environ.get(name) for name in names):
        yield names[0]


def _files(*paths: Path) -> Iterator[str]:
    for path in paths:
        if path.is_file():
            yield _shown(path)


def _shown(path: Path) -> str:
    home = str(_home())
    return f"~{str(path)[len(home) :]}" if str(path).startswith(home + os.sep) else str(path)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep)


def _aws() -> Iterator[str]:
    yield from _variables("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    yield from _variables("AWS_PROFILE")
    yield from _variables("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        yield from _variables(name)
    folder = _home() / ".aws"
    yield from _files(
        Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or folder / "credentials"),
        Path(os.environ.get("AWS_CONFIG_FILE") or folder / "config"),
    )


def _gcp() -> Iterator[str]:
    said = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if said:
        # the library looks nowhere else where this is set
        if Path(said).is_file():
            yield "GOOGLE_APPLICATION_CREDENTIALS"
        return
    folder = os.environ.get("CLOUDSDK_CONFIG")
    usual = Path(os.environ["APPDATA"]) / "gcloud" if os.environ.get("APPDATA") else _home() / ".config" / "gcloud"
    yield from _files((Path(folder) if folder else usual) / "application_default_credentials.json")


def _azure() -> Iterator[str]:
    for last in ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"):
        yield from _variables("AZURE_CLIENT_ID", "AZURE_TENANT_ID", last)
    folder = Path(os.environ.get("AZURE_CONFIG_DIR") or _home() / ".azure")
    yield from _files(
        *(folder / name for name in ("msal_token_cache.json", "msal_token_cache.bin", "azureProfile.json"))
    )


_CLOUDS = {
    "aws": _Cloud(("boto3",), _aws),
    "gcp": _Cloud(("google.cloud.bigquery",), _gcp),
    "azure": _Cloud(("azure.identity", "azure.mgmt.carbonoptimization"), _azure),
}
