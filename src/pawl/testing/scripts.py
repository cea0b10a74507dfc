"""What effects are answered with, and what was asked of them.

An effect is performed by the first of these that there is: a script that is used up (`times`), the
script that stands, a handler. Without any it waits, as it does when no worker runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pawl.worker.app import Handler, Worker
from pawl.worker.arguments import signature
from pawl.worker.loading import load
from pawl.worker.outcomes import Fatal, RetryAfter
from pawl.worker.task import Task


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at an effect. `at` is the time of the test's clock, `attempt` counts from 1.

    `ended` says what became of it: `applied` (the instance had the result), `void` (nobody waited
    for it), `retried`, `exhausted` (the last attempt failed), `failed` (the result's transition
    did), `refused`. `output` is what was answered, `error` an object of code and message.
    """

    effect: str
    machine: str
    id: str
    input: Any
    attempt: int
    at: datetime
    idempotency_key: str
    ended: str
    output: Any = None
    error: Any = None


class Failure(Exception):
    """Raised by a script that fails; its code is that of the script."""


@dataclass(slots=True)
class Script:
    """How to answer; `left` attempts more, or always."""

    handler: Handler
    left: int | None


@dataclass(slots=True)
class Effects:
    """The effects of a test: answers, failures, handlers, and the calls that there were.

    `folder` is where the files of `use` are looked for, `now` what the test's clock shows.
    """

    folder: Path = field(default_factory=Path)
    now: datetime | None = None
    _scripts: dict[str, deque[Script]] = field(default_factory=dict)
    _standing: dict[str, Script] = field(default_factory=dict)
    _app: Worker = field(default_factory=Worker)
    _calls: list[Call] = field(default_factory=list)

    def answer(self, effect: str, output: Any = None, *, times: int | None = None) -> None:
        """Answer an effect: the next `times` attempts, else every one from now on.

        `output` is the value, or a function of the task that returns it, or raises: it is a
        handler that takes the task alone, `lambda task: {"total": task.input["total"]}`.
        """
        function = output if callable(output) else lambda task: output
        self._add(effect, function, times)

    def fail(
        self,
        effect: str,
        message: str = "it failed",
        *,
        code: str = "failed",
        data: Any = None,
        retry: bool = True,
        retry_after: timedelta | None = None,
        times: int | None = None,
    ) -> None:
        """Fail attempts at an effect, which are then repeated as its policy says.

        Without `retry` no other attempt follows, as after `Fatal`; with `retry_after` the next
        begins then, as after `RetryAfter`.
        """

        def function(task: Task) -> None:
            if not retry:
                raise Fatal(message, code=code, data=data)
            if retry_after is not None:
                raise RetryAfter(retry_after, message, code=code)
            raise _failure(code, message)

        self._add(effect, function, times)

    def use(self, *handlers: Worker | Path | str) -> None:
        """Perform effects by real handlers: a `Worker`, a file, or a module.

        What is scripted goes first. Raises `NoHandlers`, or ValueError for a second handler.
        """
        for given in handlers:
            self._app.include(given if isinstance(given, Worker) else load((self._place(given),)))

    def forget(self, effect: str) -> None:
        """Drop the scripts of an effect: it is its handler's, or waits."""
        self._scripts.pop(effect, None)
        self._standing.pop(effect, None)

    def calls(self, effect: str | None = None, *, id: str | None = None) -> tuple[Call, ...]:
        """The attempts so far, in their order; only those at an effect, or of an instance."""
        return tuple(
            call for call in self._calls if effect in (None, call.effect) and id in (None, call.id)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The effects that are performed, sorted."""
        scripted = {name for name, scripts in self._scripts.items() if scripts}
        return tuple(sorted(scripted | self._standing.keys() | {*self._app.effects}))

    def take(self, effect: str) -> Handler:
        """What performs the next attempt at an effect; called once for each. Raises KeyError."""
        return _by_the_clock(self._next(effect), self.now)

    def _next(self, effect: str) -> Handler:
        scripts = self._scripts.get(effect)
        if scripts:
            script = scripts[0]
            assert script.left is not None, "a script without an end stands"
            script.left -= 1
            if script.left == 0:
                scripts.popleft()
            return script.handler
        if effect in self._standing:
            return self._standing[effect].handler
        return self._app.handler(effect)

    def note(self, call: Call) -> None:
        """Keep a call."""
        self._calls.append(call)

    def _add(self, effect: str, function: Callable[[Task], Any], times: int | None) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times counts from 1, it is {times}")
        handler = Handler(effect, _async(function), signature(lambda task: None), True)
        if times is None:
            self._standing[effect] = Script(handler, None)
        else:
            self._scripts.setdefault(effect, deque()).append(Script(handler, times))

    def _place(self, given: Path | str) -> str:
        """A file as seen from the test's folder; a module as it is."""
        is_file = isinstance(given, Path) or given.endswith(".py")
        return str(self.folder / given) if is_file else str(given)


def _async(function: Callable[[Task], Any]) -> Callable[[Task], Any]:
    async def answer(task: Task) -> Any:
        answered = function(task)
        return await answered if hasattr(answered, "__await__") else answered

    return answer


def _by_the_clock(handler: Handler, now: datetime | None) -> Handler:
    """The same handler, whose `RetryAfter(moment)` is a moment of the test's clock."""

    def waits(error: RetryAfter) -> RetryAfter:
        if not isinstance(error.when, datetime) or now is None:
            return error
        return RetryAfter(error.delay(now), str(error), code=error.code)

    async def called_async(task: Task, **arguments: Any) -> Any:
        try:
            return await handler.function(task, **arguments)
        except RetryAfter as error:
            raise waits(error) from error

    def called(task: Task, **arguments: Any) -> Any:
        try:
            return handler.function(task, **arguments)
        except RetryAfter as error:
            raise waits(error) from error

    function = called_async if handler.is_async else called
    return Handler(handler.effect, function, handler.signature, handler.is_async)


def _failure(code: str, message: str) -> Exception:
    """An exception that reads as `code`: an ordinary one's code is the name of its class."""
    kind: type[Exception] = type(code, (Failure,), {})
    return kind(message)
