"""Find plugins, ask them one at a time, and survive what they do."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from wattbook import hookspecs
from wattbook.config import plugin_config
from wattbook.errors import ConfigError, Unavailable, WattbookError
from wattbook.hookspecs import NAME
from wattbook.resolve import Fate, Offer

if TYPE_CHECKING:
    from wattbook.metering import Meter

PROBE_TIMEOUT_S = 2.0


class Broken(NamedTuple):
    """A plugin that failed in a way it should not have; the traceback is kept for its author."""

    plugin: str
    hook: str
    reason: str
    detail: str = ""

    @classmethod
    def from_error(cls, plugin: str, hook: str, error: BaseException) -> Broken:
        import traceback

        text = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
        return cls(plugin=plugin, hook=hook, reason=reason, detail="".join(traceback.format_exception(error)))


class Plugins:
    """The plugins at hand: those that load, with their configuration, and those that do not."""

    def __init__(
        self, *, manager: pluggy.PluginManager, broken: tuple[Broken, ...] = (),
        configs: Mapping[str, Any] | None = None, versions: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.manager, self.broken = manager, broken
        self.configs, self.versions = configs or {}, versions or {}
        self._callers: dict[str, list[tuple[str, Any]]] = {}

    @property
    def names(self) -> list[str]:
        return sorted(name for name, plugin in self.manager.list_name_plugin() if plugin is not None)

    def hooks(self, name: str) -> list[str]:
        """The hooks that plugin *name* implements."""
        callers = self.manager.get_hookcallers(self.manager.get_plugin(name)) or []
        return sorted(caller.name for caller in callers)

    def ask(self, hook: str, timeout_s: float | None = None, /, **question: Any) -> Iterator[tuple[str, Any]]:
        """Yield ``(plugin, answer)`` for every answer, plugins in the order of their names.

        A failure is one more answer, a ``Broken``.  ``Unavailable`` and the other errors that plugins
        raise on purpose are contained here too, with their own words as the reason.  A plugin that takes
        longer than *timeout_s*, where given, is left behind in its thread.
        """
        for name, caller in self._alone(hook):
            if timeout_s is None:
                for answer in self._ask_one(name, hook, caller, question):
                    yield name, answer
            else:
                yield from ((name, answer) for answer in self._ask_patiently(name, hook, caller, question, timeout_s))

    def ask_alone(self, name: str, hook: str, /, **question: Any) -> list[Any] | None:
        """The answers of plugin *name*, as in ``ask``; ``None`` where it does not implement *hook*."""
        for known, caller in self._alone(hook):
            if known == name:
                return list(self._ask_one(name, hook, caller, question))
        return None

    def implementing(self, hook: str) -> list[str]:
        """The plugins that implement *hook*, in the order of their names."""
        return [name for name, _ in self._alone(hook)]

    def _alone(self, hook: str) -> list[tuple[str, Any]]:
        """Every plugin that implements *hook*, with a caller that asks it alone; looked up once."""
        if hook not in self._callers:
            plugins = self.manager.get_plugins()
            self._callers[hook] = [
                (name, self.manager.subset_hook_caller(hook, plugins - {self.manager.get_plugin(name)}))
                for name in self.names
                if hook in self.hooks(name)
            ]
        return self._callers[hook]

    def _ask_one(self, name: str, hook: str, caller: Any, question: Mapping[str, Any]) -> Iterator[Any]:
        try:
            for answers in caller(config=self.configs.get(name), **question):
                yield from answers or ()
        except WattbookError as error:
            yield Broken(plugin=name, hook=hook, reason=str(error))
        except Exception as error:
            yield Broken.from_error(name, hook, error)

    def _ask_patiently(
        self, name: str, hook: str, caller: Any, question: Mapping[str, Any], timeout_s: float
    ) -> list[Any]:
        box: list[list[Any]] = []
        thread = threading.Thread(
            target=lambda: box.append(list(self._ask_one(name, hook, caller, question))), daemon=True
        )
        thread.start()
        thread.join(timeout_s)
        return box[0] if box else [Broken(plugin=name, hook=hook, reason=f"it did not answer within {timeout_s:g} s")]


def manager(plugins: Iterable[tuple[str, object]] = ()) -> pluggy.PluginManager:
    """A manager that knows exactly *plugins*; raises ``pluggy.PluginValidationError`` for a bad one."""
    pm = pluggy.PluginManager(NAME)
    pm.add_hookspecs(hookspecs)
    for name, plugin in plugins:
        pm.register(plugin, name=name)
    pm.check_pending()
    return pm


def gather(plugins: Iterable[tuple[str, object]], tables: Mapping[str, Mapping[str, Any]] | None = None) -> Plugins:
    """Take loaded plugins in one by one; a bad one is put out again and spoils nothing."""
    broken: list[Broken] = []
    configs: dict[str, Any] = {}
    pm = manager()
    for name, plugin in plugins:
        try:
            hash(plugin)  # pluggy takes what it cannot hold, and stumbles over it later
            pm.register(plugin, name=name)
            if not pm.get_hookcallers(plugin):
                raise TypeError(f"it implements none of the hooks of {NAME}; is one misspelled?")
            pm.check_pending()
            configs[name] = plugin_config(name, plugin, (tables or {}).get(name, {}))
        except ConfigError:
            raise
        except Exception as error:
            broken.append(Broken.from_error(name, "load", error))
            if pm.get_plugin(name) is plugin:
                pm.unregister(name=name)
    return Plugins(manager=pm, broken=tuple(broken), configs=configs)


class Dist(NamedTuple):
    version: str


class EntryPoint(NamedTuple):
    """A plugin as its distribution declares it; the same shape as in ``importlib.metadata``."""

    name: str
    value: str
    dist: Dist

    def load(self) -> Any:
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        found = import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
        return found


def entry_points(group: str) -> Iterable[Any]:
    """The entry points of *group*, as ``importlib.metadata.entry_points`` finds them.

    That module costs as much as everything else that a run loads, most of it to parse mail headers.  So
    the folders that Python imports from are looked through here; whatever is not a plain folder (a zip
    file, an importer of somebody's own) is left to the library.
    """
    places = [place or os.getcwd() for place in sys.path]
    own = [f for f in sys.meta_path if hasattr(f, "find_distributions") and getattr(f, "__name__", "") != "PathFinder"]
    if own or any(os.path.isfile(place) for place in places):
        import importlib.metadata

        return importlib.metadata.entry_points(group=group)
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for place in dict.fromkeys(places):
        try:
            names = sorted(os.listdir(place))
        except OSError:
            continue
        for folder in names:
            name, kind = os.path.splitext(folder)
            if kind not in (".dist-info", ".egg-info"):
                continue
            distribution, _, version = name.partition("-")
            distribution = distribution.lower().replace(".", "_")
            if distribution not in seen:  # as on import, the first one wins
                seen.add(distribution)
                found += _declared(os.path.join(place, folder, "entry_points.txt"), group, Dist(version.split("-")[0]))
    return found


def _declared(path: str, group: str, dist: Dist) -> Iterator[EntryPoint]:
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    section = ""
    for line in map(str.strip, lines):
        if line.startswith("["):
            section = line.strip("[]").strip()
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), dist)


def installed(tables: Mapping[str, Mapping[str, Any]] | None = None) -> Plugins:
    """Every installed plugin, entry points loaded one by one; the broken ones with their reason."""
    disabled = {name.strip() for name in os.environ.get("WATTBOOK_DISABLE_PLUGINS", "").split(",")}
    loaded: list[tuple[str, object]] = []
    broken: list[Broken] = []
    versions: dict[str, str] = {}
    for entry_point in sorted(entry_points(group=NAME), key=lambda ep: ep.name):
        if entry_point.name in disabled or entry_point.name in versions:
            continue
        versions[entry_point.name] = entry_point.dist.version if entry_point.dist else ""
        try:
            loaded.append((entry_point.name, entry_point.load()))
        except Exception as error:
            broken.append(Broken.from_error(entry_point.name, "load", error))
        except SystemExit as error:
            broken.append(Broken.from_error(entry_point.name, "load", error))
    unknown = sorted(set(tables or {}) - set(versions) - disabled)
    if unknown:
        raise ConfigError("no plugin of this name is installed", where=f"plugins.{unknown[0]}")
    plugins = gather(loaded, tables)
    return Plugins(
        manager=plugins.manager, broken=(*broken, *plugins.broken), configs=plugins.configs, versions=versions
    )


def probe(answers: Iterable[tuple[str, Meter | Broken]], *, timeout_s: float = PROBE_TIMEOUT_S) -> list[Offer]:
    """Probe all meters at once, in threads that are given up after *timeout_s*."""
    from wattbook.metering import Meter

    offers: list[Offer | None] = []
    pending: list[tuple[int, str, Meter, threading.Thread, dict[str, Offer]]] = []
    for plugin, answer in answers:
        if isinstance(answer, Broken):
            offers.append(Offer(plugin=plugin, name=answer.hook, fate=Fate.BROKEN, reason=answer.reason))
        elif not isinstance(answer, Meter):
            offers.append(
                Offer(
                    plugin=plugin,
                    name="measure",
                    fate=Fate.BROKEN,
                    reason=f"it answered with a {type(answer).__name__}, not a Meter",
                )
            )
        else:
            box: dict[str, Offer] = {}
            thread = threading.Thread(target=_probe_one, args=(plugin, answer, box), daemon=True)
            thread.start()
            pending.append((len(offers), plugin, answer, thread, box))
            offers.append(None)
    until = time.monotonic() + timeout_s
    for index, plugin, meter, thread, box in pending:
        thread.join(max(0.0, until - time.monotonic()))
        offers[index] = box.get("offer") or Offer(
            plugin=plugin, name=meter.name, domains=meter.domains, fate=Fate.BROKEN,
            reason=f"its probe did not answer within {timeout_s:g} s",
        )  # fmt: skip
    return [offer for offer in offers if offer is not None]


def _probe_one(plugin: str, meter: Meter, box: dict[str, Offer]) -> None:
    try:
        found = meter.probe()
    except Unavailable as no:
        box["offer"] = Offer(
            plugin=plugin, name=meter.name, domains=meter.domains, fate=Fate.UNAVAILABLE,
            reason=no.reason, remedy=no.remedy,
        )  # fmt: skip
    except BaseException as error:
        reason = Broken.from_error(plugin, "probe", error).reason
        box["offer"] = Offer(plugin=plugin, name=meter.name, domains=meter.domains, fate=Fate.BROKEN, reason=reason)
    else:
        domains = meter.domains if found is None else tuple(found)
        box["offer"] = Offer(plugin=plugin, name=meter.name, domains=domains, error=meter.error, meter=meter)
