"""Track a stretch of one's own program: ``with wattbook.track(project="x") as run:`` and ``@wattbook.track()``.

The same engine as ``wattbook run``, in a thread of this process.  Whatever goes wrong inside becomes a
warning of the run; the user's own exceptions pass through untouched.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, overload

from wattbook.tracking.figures import TrackedRun

F = TypeVar("F", bound=Callable[..., Any])


class Tracking:
    """What ``track`` answers with: a context manager, an asynchronous one, and a decorator.

    Every time it is entered, a new run begins; it may be entered again, and by several threads at once.
    """

    def __init__(self, order: Mapping[str, Any], *, strict: bool) -> None:
        self._order, self._strict = order, strict
        self._open: list[Any] = []

    # --- as a context manager -------------------------------------------------------------------

    def __enter__(self) -> TrackedRun:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(error)

    async def __aenter__(self) -> TrackedRun:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The last readings are waited for in a thread, so that the event loop goes on."""
        import asyncio

        engine = self._mine()
        if engine is not None:
            try:
                engine.end(error)
                await asyncio.shield(asyncio.to_thread(engine.wait))
            except Exception as trouble:
                engine.troubles.append(f"the run may not be recorded ({trouble})")
            finally:
                self._leave(engine, error)

    # --- cell by cell, as in a notebook ---------------------------------------------------------

    def start(self) -> TrackedRun:
        """Begin a run; it goes on until ``stop`` is called or the program ends."""
        try:
            from wattbook.tracking.engine import Engine

            engine = Engine(self._order, strict=self._strict)
            self._open.append(engine)
            engine.owner = self
            engine.start()
            return engine.run
        except Exception as error:
            if self._strict:
                self._open = [engine for engine in self._open if engine.started]
                raise
            _tell(f"this is not tracked ({type(error).__name__}: {error})")
            return TrackedRun(warnings=(f"it is not tracked ({type(error).__name__}: {error})",))

    def stop(self, error: BaseException | None = None) -> None:
        """End the run that was begun last, here or in the block around; *error* is what ended it, if anything."""
        engine = self._mine()
        if engine is not None:
            try:
                engine.end(error)
                engine.wait()
            except Exception as trouble:
                engine.troubles.append(f"the run may not be recorded ({type(trouble).__name__}: {trouble})")
            finally:
                self._leave(engine, error)

    def _mine(self) -> Any:
        """The run that this thread or task began last through this object, else the last one of all."""
        if not self._open:
            return None
        from wattbook.tracking.engine import innermost

        engine = innermost(self)
        if engine is None or engine not in self._open:
            engine = self._open[-1]
        self._open.remove(engine)
        return engine

    def _leave(self, engine: Any, error: BaseException | None) -> None:
        engine.leave()
        if not engine.troubles:
            return
        if self._strict:
            from wattbook.errors import WattbookError

            if error is None:
                raise WattbookError("; ".join(engine.troubles))
            error.add_note("wattbook: " + "; ".join(engine.troubles))
            return
        for trouble in engine.troubles:
            _tell(trouble)

    # --- as a decorator -------------------------------------------------------------------------

    def __call__(self, function: F) -> F:
        """A function of which every call is a run; ``function.last_run`` is the latest one."""
        if inspect.isclass(function) or not callable(function):
            if self._strict:
                raise TypeError(f"a function can be tracked, and {function!r} is none")
            _tell(f"a function can be tracked, and {function!r} is none: it is left as it is")
            return function
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                async with self as run:
                    wrapper.last_run = run
                    return await function(*args, **kwargs)

        elif inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                async with self as run:
                    wrapper.last_run = run
                    async for item in function(*args, **kwargs):
                        yield item

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as run:
                    wrapper.last_run = run
                    return (yield from function(*args, **kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as run:
                    wrapper.last_run = run
                    return function(*args, **kwargs)

        wrapper.last_run = None
        return wrapper  # type: ignore[no-any-return]


def _tell(sentence: str) -> None:
    """A warning that stays one even where warnings are made errors."""
    with contextlib.suppress(Warning):
        warnings.warn(f"wattbook: {sentence}", RuntimeWarning, stacklevel=4)


@overload
def track(function: F, /) -> F: ...
@overload
def track(
    *,
    project: str | None = ...,
    phase: str | None = ...,
    tags: Mapping[str, str] | None = ...,
    site: str | None = ...,
    interval_s: float = ...,
    ledger: str | None = ...,
    config: str | None = ...,
    attribute: str | None = ...,
    idle: str | None = ...,
    strict: bool = ...,
) -> Tracking: ...
def track(
    function: Any = None,
    /,
    *,
    project: str | None = None,
    phase: str | None = None,
    tags: Mapping[str, str] | None = None,
    site: str | None = None,
    interval_s: float = 1.0,
    ledger: str | None = None,
    config: str | None = None,
    attribute: str | None = None,
    idle: str | None = None,
    strict: bool = False,
) -> Any:
    """Track the energy and carbon of a block or of every call of a function.

    ::

        with wattbook.track(project="llm", phase="train") as run:
            train()
        print(run.energy_j, run.co2e_g)

    :param project: what it is for; a label of the report, like ``phase`` and ``tags``.
    :param interval_s: seconds between two polls: what a killed process can lose.
    :param ledger: the book that it is meant for, else ``WATTBOOK_LEDGER``, else the user's own.
    :param attribute: ``machine``: what the machine used is booked; ``process``: what this process caused of it.
    :param idle: whose standing power is: divided by use (``used``), by what is ``reserved``, or nobody's (``none``).
    :param strict: raise wattbook's own errors (``WattbookError``, ``ValueError``) instead of warning.
    :returns: a context manager that gives a ``TrackedRun``, and a decorator.
    """
    order = {
        "project": project, "phase": phase, "tags": dict(tags or {}), "site": site, "interval_s": interval_s,
        "ledger": ledger, "config": config, "attribute": attribute, "idle": idle,
    }  # fmt: skip
    tracking = Tracking(order, strict=strict)
    return tracking if function is None else tracking(function)
