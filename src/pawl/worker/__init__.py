"""The worker: performs effects, fires timers, applies results, delivers messages.

In order of flow:

* `outcomes`: what a handler raises (`Fatal`, `RetryAfter`) and how an attempt ends;
* `task`: a claim, and what a handler is told of it;
* `arguments`: an effect's input as typed arguments;
* `app`: `Worker`, the handlers by name;
* `threads`: handlers that are not async;
* `performing`: one attempt, from a claim to an outcome, without the database;
* `queue`: every statement that goes to Postgres;
* `http_effect`, `sql_effect`: the built-in handlers;
* `drain`: all that is due now, step by step, for tests and for `pawl worker --drain`;
* `doorbell`: the session that listens; `waking`: when the loops look for work, and who wakes them;
* `ending`: tasks that are to end; `holding`: handlers that run, leases to renew, outcomes to store;
* `daemon`: the loops of `pawl worker`, how they begin and end;
* `loading`: a file of handlers as a `Worker`;
* `logs`: events with fields; `counts`, `metrics`: what Prometheus reads.

    from pawl import Fatal, Worker

    app = Worker()

    @app.effect("offer_to_restaurant")
    async def offer(task, order_id: str, total: Decimal) -> None: ...
"""

from pawl.worker.app import Worker
from pawl.worker.drain import Drained, Performed, drain, drain_sync
from pawl.worker.outcomes import Fatal, RetryAfter
from pawl.worker.task import Task

__all__ = [
    "Drained",
    "Fatal",
    "Performed",
    "RetryAfter",
    "Task",
    "Worker",
    "drain",
    "drain_sync",
]
