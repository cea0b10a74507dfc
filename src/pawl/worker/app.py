"""`Worker`: the handlers of effects, by name."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pawl.worker.arguments import Signature, signature
from pawl.worker.task import Task

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that performs an effect; one that is not async runs in a thread."""

    effect: str
    function: Callable[..., Any]
    signature: Signature
    is_async: bool

    def call(self, task: Task, arguments: dict[str, Any]) -> Any | Awaitable[Any]:
        """Call it, in whatever thread we are."""
        return self.function(task, **arguments)


class Worker:
    """The effects that a program performs.

        app = Worker()

        @app.effect("offer_to_restaurant")
        async def offer(task, order_id: str, total: Decimal) -> dict: ...

    The worker claims only effects that it has handlers for. What a handler returns is the output
    of the done event; whatever it raises is a failed attempt, tried again as the effect's `retry`
    says; `Fatal` ends it at once; `RetryAfter` says when to try again.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def effect(self, name: str) -> Callable[[Function], Function]:
        """Register the decorated function, `async` or not, as the handler of an effect.

        Raises ValueError if there is one already, TypeError for a signature that cannot work.
        """
        if not isinstance(name, str):
            raise TypeError('it is written with the effect\'s name: @app.effect("send_email")')

        def register(function: Function) -> Function:
            if name in self._handlers:
                raise ValueError(f'the effect "{name}" has a handler already')
            called = signature(function)
            is_async = inspect.iscoroutinefunction(function)
            self._handlers[name] = Handler(name, function, called, is_async)
            return function

        return register

    def include(self, other: "Worker") -> None:
        """Take over all handlers of another one. Raises ValueError if both have the same effect."""
        if both := sorted(self._handlers.keys() & other._handlers.keys()):
            raise ValueError(f"two handlers for the same effect: {', '.join(both)}")
        self._handlers.update(other._handlers)

    @property
    def effects(self) -> tuple[str, ...]:
        """The names of the effects that have a handler, sorted."""
        return tuple(sorted(self._handlers))

    def handler(self, effect: str) -> Handler:
        """The handler of an effect. Raises KeyError."""
        return self._handlers[effect]
