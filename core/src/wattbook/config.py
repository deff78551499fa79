"""What the user configured: read from TOML files, checked key by key, each with its origin.

The classes are named tuples, because every run makes them before it can say anything; their annotations
are no texts, because each text would be compiled then.
"""

import math
import os
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from wattbook.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
EMPTY: Mapping[str, Any] = MappingProxyType({})


MODES = ("machine", "process")  #: whose energy a run books: the machine's, or what its processes caused
POLICIES = ("used", "reserved", "none")  #: how standing energy is divided


class Site(NamedTuple):
    """Where hosts stand: grid zone, power usage effectiveness, who controls the place."""

    name: str = "default"
    zone: str | None = None  #: ISO 3166 country code, ``SG`` or ``SGP``
    pue: float | None = None  #: facility energy over IT energy; 1.0 for an office or a home
    controlled_by: str | None = None  #: ``owned``, ``leased``, ``colo``, ``iaas``, ``home``
    intensity_g_per_kwh: float | None = None  #: overrides the shipped factor; needs ``intensity_source``
    intensity_source: str | None = None
    intensity_year: int | None = None


class Select(NamedTuple):
    prefer: tuple[str, ...] = ()  #: plugins (``rapl``) or sources (``nvidia_smi:energy``), best first


class Defaults(NamedTuple):
    project: str | None = None
    phase: str | None = None
    person: str | None = None
    platform: str | None = None
    attribute: str | None = None  #: whose energy a run books: ``machine`` or ``process``
    idle: str | None = None  #: how standing energy is divided: ``used``, ``reserved`` or ``none``


class Account(NamedTuple):
    """Which entries a provider's account claims: by platform or by host."""

    platforms: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


class ReportConfig(NamedTuple):
    timezone: str | None = None  #: IANA zone of the report's months; the system's where unset


class Budgets(NamedTuple):
    """What a month may emit, in kilograms of CO2e; a period of several months has as many budgets."""

    team_kg_per_month: float | None = None
    projects_kg_per_month: Mapping[str, float] = EMPTY


class MarginalConfig(NamedTuple):
    """What one more kWh causes in a zone: for decisions only, never for the inventory."""

    source: str = ""
    g_per_kwh: float | None = None
    hourly_g_per_kwh: tuple[float, ...] = ()  #: 24 values, by the hour of the day in the report's zone


class WhatIf(NamedTuple):
    """What decisions are told with."""

    price_per_kwh: float | None = None
    currency: str = ""
    marginal: Mapping[str, MarginalConfig] = EMPTY  #: keyed by zone


class HourFactor(NamedTuple):
    """Grams for one kWh of a zone in a stretch of time; only averages by location enter the inventory."""

    zone: str
    start: str  #: a time with its zone
    end: str
    g_per_kwh: float
    signal: str = "average"
    method: str = "location"
    cycle: str = "unstated"
    source: str = ""


class Factors(NamedTuple):
    """Factors by the hour: from CSV files, from plugins asked by name, or written down here."""

    files: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    hours: tuple[HourFactor, ...] = ()


class Share(NamedTuple):
    """Where ``wattbook ledger push`` and ``pull`` go where nothing else is said."""

    to: str | None = None


class Privacy(NamedTuple):
    """What is written down and told about people."""

    minimum_group: int = 5  #: people in a period below which none of them is shown apart
    pseudonyms: bool = True  #: false: people are written down by their names
    keys: str | None = None  #: the file that knows who is who; one in the user's data folder where unset


class Config(NamedTuple):
    """The whole configuration; every part has a default, so an empty file is a valid one."""

    site: Site = Site()
    sites: Mapping[str, Site] = EMPTY
    select: Select = Select()
    defaults: Defaults = Defaults()
    accounts: Mapping[str, Account] = EMPTY  #: keyed ``provider/account``
    containment: Mapping[str, str] = EMPTY  #: see ``wattbook.resolve.Tree``
    report: ReportConfig = ReportConfig()
    budgets: Budgets = Budgets()
    factors: Factors = Factors()
    share: Share = Share()
    privacy: Privacy = Privacy()
    whatif: WhatIf = WhatIf()
    plugins: Mapping[str, Mapping[str, Any]] = EMPTY
    origins: tuple[str, ...] = ()  #: the files read, in the order of rising precedence


def load(path: str | os.PathLike[str] | None = None, *, cwd: "Path | None" = None) -> Config:
    """Read the configuration: *path* alone if given (or ``WATTBOOK_CONFIG``), else the usual places.

    The usual places are ``/etc/wattbook/config.toml``, the user's configuration folder, and the nearest
    ``wattbook.toml`` or ``[tool.wattbook]`` of a ``pyproject.toml`` in *cwd* or above; the later wins,
    key by key.  Raises ``ConfigError`` with the path of the key that is wrong.
    """
    explicit = path or os.environ.get("WATTBOOK_CONFIG")
    merged: dict[str, Any] = {}
    origins: list[str] = []
    for file, table in [_read(os.fspath(explicit))] if explicit else _usual(os.fspath(cwd) if cwd else _here()):
        structure(Config, table, where=file)
        merged = _merge(merged, table)
        origins.append(file)
    if not merged:
        return Config()
    merged["origins"] = origins
    config = structure(Config, merged, where="")
    _check(config)
    return config


def plugin_config(name: str, plugin: object, table: Mapping[str, Any]) -> Any:
    """The plugin's own table as an instance of its ``Config`` class; ``None`` where it has none."""
    cls = getattr(plugin, "Config", None)
    if cls is None:
        if table:
            raise ConfigError("this plugin takes no configuration", where=f"plugins.{name}.{next(iter(table))}")
        return None
    return cls() if not table else structure(cls, table, where=f"plugins.{name}")


def structure(cls: type[T], table: Mapping[str, Any], *, where: str) -> T:
    """An instance of *cls*, an attrs class or a named tuple; unknown and ill-typed keys are refused with their path."""
    if not table:
        return cls()
    import cattrs
    from cattrs.cols import is_namedtuple, namedtuple_dict_structure_factory

    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook_factory(
        is_namedtuple, lambda kind: namedtuple_dict_structure_factory(kind, converter, True, True)
    )
    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, _strict)
    try:
        return converter.structure(table, cls)
    except Exception as error:
        raise _as_config_error(error, where) from error


def _strict(value: Any, kind: type) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise ValueError(f"{value!r} is not {names[kind]}")
    return value


def _as_config_error(error: Exception, where: str) -> ConfigError:
    from cattrs import ForbiddenExtraKeysError, transform_error

    def explain(exc: BaseException, type_: object) -> str:
        if isinstance(exc, ForbiddenExtraKeysError):
            return f"unknown key {', '.join(sorted(map(repr, exc.extra_fields)))}"
        return str(exc) or type(exc).__name__

    first = transform_error(error, format_exception=explain)[0]
    reason, _, key = first.partition(" @ $")
    place = key.lstrip(".").replace("['", ".").replace("']", "")
    prefix = where + (": " if where.endswith(".toml") and place else "." if where and place else "")
    return ConfigError(reason, where=(prefix + place) or where)


def _check(config: Config) -> None:
    if config.privacy.minimum_group < 1:
        raise ConfigError("a group has one person or more", where="privacy.minimum_group")
    for key, site in [("site", config.site), *((f"sites.{name}", site) for name, site in config.sites.items())]:
        if site.pue is not None and not 1.0 <= site.pue <= 5.0:
            raise ConfigError(f"{site.pue} is not a power usage effectiveness (1.0 to 5.0)", where=f"{key}.pue")
        if site.intensity_g_per_kwh is not None:
            if not site.intensity_source:
                raise ConfigError("an intensity of your own needs intensity_source", where=f"{key}.intensity_g_per_kwh")
            if not 0 <= site.intensity_g_per_kwh <= 3000:
                raise ConfigError("grams per kWh lie between 0 and 3000", where=f"{key}.intensity_g_per_kwh")
    for name, known in (("attribute", MODES), ("idle", POLICIES)):
        chosen = getattr(config.defaults, name)
        if chosen is not None and chosen not in known:
            raise ConfigError(f"{chosen!r} is none of {', '.join(known)}", where=f"defaults.{name}")
    told = {f"projects_kg_per_month.{name}": kg for name, kg in config.budgets.projects_kg_per_month.items()}
    if config.budgets.team_kg_per_month is not None:
        told["team_kg_per_month"] = config.budgets.team_kg_per_month
    for key, kilograms in told.items():
        if not 0 < kilograms < math.inf:
            raise ConfigError(f"{kilograms} is no budget: kilograms above 0", where=f"budgets.{key}")
    _check_whatif(config.whatif)
    if config.report.timezone:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(config.report.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise ConfigError(f"{config.report.timezone!r} is no IANA time zone", where="report.timezone") from error


def _check_whatif(told: WhatIf) -> None:
    if told.price_per_kwh is not None:
        if not 0 < told.price_per_kwh < 1e6:
            raise ConfigError(f"{told.price_per_kwh} is no price of a kWh: above 0", where="whatif.price_per_kwh")
        if not (told.currency.strip() and told.currency.isprintable() and len(told.currency) <= 12):
            raise ConfigError('a price needs its currency, such as "SGD"', where="whatif.currency")
    for zone, one in told.marginal.items():
        where = f"whatif.marginal.{zone}"
        if not one.source:
            raise ConfigError("a marginal factor needs its source", where=where)
        if one.g_per_kwh is None and not one.hourly_g_per_kwh:
            raise ConfigError("needs g_per_kwh or hourly_g_per_kwh", where=where)
        if one.hourly_g_per_kwh and len(one.hourly_g_per_kwh) != 24:
            raise ConfigError("a day has 24 hours", where=f"{where}.hourly_g_per_kwh")
        for grams in (one.g_per_kwh or 0.0, *one.hourly_g_per_kwh):
            if not 0 <= grams <= 3000:
                raise ConfigError("grams per kWh lie between 0 and 3000", where=where)


def _here() -> str:
    """The working folder; one that was removed has no configuration."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def _usual(cwd: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in ("/etc/wattbook/config.toml", os.path.join(user_folder("config"), "config.toml")):
        if os.path.isfile(file):
            yield _read(file)
    folder = os.path.abspath(cwd)
    while True:
        own, project = os.path.join(folder, "wattbook.toml"), os.path.join(folder, "pyproject.toml")
        if os.path.isfile(own):
            yield _read(own)
            return
        if os.path.isfile(project) and b"[tool.wattbook" in _bytes(project):
            file, table = _read(project)
            yield file, table.get("tool", {}).get("wattbook", {})
            return
        if folder == (folder := os.path.dirname(folder)):
            return


def user_folder(kind: str) -> str:
    """The user's folder for wattbook's ``config`` or ``state``, where platformdirs puts it.

    On Linux that is one rule of the XDG base directory specification, and not worth loading a library for
    before every command; without a home folder the answer is no absolute path.
    """
    if sys.platform.startswith("linux") and "ANDROID_ROOT" not in os.environ:
        base = os.environ.get(f"XDG_{kind.upper()}_HOME", "").strip()
        return os.path.join(base if os.path.isabs(base) else os.path.expanduser(f"~/.{_XDG[kind]}"), "wattbook")
    import platformdirs

    return str(getattr(platformdirs, f"user_{kind}_dir")("wattbook", appauthor=False))


MAX_BYTES = 1 << 20  #: no configuration is larger
_XDG = {"config": "config", "state": "local/state"}


def _read(file: str) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        if os.path.exists(file) and not os.path.isfile(file):
            raise ConfigError("is no file", where=file)
        if os.path.exists(file) and os.path.getsize(file) > MAX_BYTES:
            raise ConfigError(f"is larger than {MAX_BYTES >> 20} MiB", where=file)
        return file, tomllib.loads(_bytes(file).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=file) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=file) from error


def _bytes(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
