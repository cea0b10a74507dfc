"""The demo: the order machine of a food delivery service, run before your eyes.

* `beats`: what a demo consists of, as data;
* `stage`: executes the SQL exactly as it is shown, in the role of whoever acts;
* `cast`: who appears;
* `setting`: the database before the story: runtime, client role, order machine;
* `story`: who does what, and what for.

`pawl demo upgrade` is another one, with numbers in the place of beats:

* `upgrade`: the orders, the versions, the migration, and what is counted at the end;
* `clients`: the people who send events meanwhile;
* `performing`: the handlers of the worker, with their ledger.

The command line prints the beats (`pawl.cli.demonstration`) and provides the database.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.types.json import set_json_loads

from pawl.client.payload import from_json
from pawl.demo.beats import Answer, Beat, Chapter, Excerpt, Refusal, Say
from pawl.demo.setting import definition, set_up
from pawl.demo.stage import Stage
from pawl.demo.story import story

__all__ = ["Answer", "Beat", "Chapter", "Excerpt", "Refusal", "Say", "definition", "play"]


def play(connection: psycopg.Connection[Any], client_role: str = "app") -> Iterator[Beat]:
    """Play the demo in an empty database, as its superuser, in autocommit mode.

    `client_role` is created; it belongs to the whole server.
    """
    set_json_loads(from_json, connection)  # numbers with their digits: 24.50
    stage = Stage(connection, client_role)
    yield from set_up(stage)
    yield from story(stage)
