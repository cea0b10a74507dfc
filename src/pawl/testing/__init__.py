"""Testing machines: a month-long workflow in milliseconds, on a real Postgres.

In order of flow:

* `server`: the Postgres of one run of tests, of its own and gone at its end;
* `databases`: templates, and a fresh database for each test;
* `charts`: definitions from files, compiled and deployed;
* `scripts`: what effects are answered with, and what was asked of them;
* `clockwork`: the movable clock and a worker that goes from due moment to due moment;
* `portal`: a thread with an event loop, so that tests need not be async, and may be;
* `instances`: one instance, as a test looks at it;
* `world`: `World`, what a test holds in its hand.

`pawl.pytest_plugin` has the fixtures `pawl_world`, `pawl_database`, … for pytest, which finds them
by itself; nothing here needs it: `World(dsn)` works with any runner.

    def test_an_order_that_nobody_answers_is_rejected(pawl_world):
        order = pawl_world.create("order", "o-1", {"total": 24.50})
        pawl_world.advance("5 minutes")
        assert order.in_state("rejected")
"""

from pawl.testing.databases import Databases
from pawl.testing.errors import Stuck, TransitionFailed
from pawl.testing.instances import Live, Timer
from pawl.testing.scripts import Call, Effects
from pawl.testing.world import World

__all__ = [
    "Call",
    "Databases",
    "Effects",
    "Live",
    "Stuck",
    "Timer",
    "TransitionFailed",
    "World",
]
