"""Pawl: statecharts compiled into Postgres. The part that touches the world.

The compiler, package `pawlc`, is pure: text in, text out. Everything that opens a connection,
starts a process or reads a clock is here:

* `embedded`: a local Postgres from a folder of binaries, started and stopped by us;
* `deploy`: installs the runtime schema and deploys machines;
* `client`: one Python call per function of the SQL API;
* `worker`: performs effects and fires timers;
* `cli`: the command `pawl`.

`Worker`, `Task`, `Fatal` and `RetryAfter`, of which a file of handlers is made, are here by name.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pawl.worker import Fatal, RetryAfter, Task, Worker

__version__ = "0.1.0"
__all__ = ["Fatal", "RetryAfter", "Task", "Worker"]


def __getattr__(name: str) -> Any:
    """Import the worker when it is asked for: other parts need not load it."""
    if name in __all__:
        from pawl import worker

        return getattr(worker, name)
    raise AttributeError(f"module 'pawl' has no attribute '{name}'")
