"""One random chart and walk in the interpreter and in Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager

from pawlc.compile import Compiled, compile_machine
from pawlc.diagnostics import CompileError, Severity
from tests.semantics.charts import Walk
from tests.semantics.database import Connection, Deployed
from tests.semantics.driver import Interpreted
from tests.semantics.evaluate import evaluate
from tests.semantics.walks import take


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """A transaction that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        yield


def compiled(text: str) -> Compiled | None:
    """A random chart compiled; None if it is certain to go in circles, which is refused.

    No other refusal is expected.
    """
    try:
        return compile_machine(text, "chart.machine.yaml")
    except CompileError as error:
        if {d.code for d in error.diagnostics if d.severity is Severity.ERROR} == {"PW403"}:
            return None
        raise


def check_same(chart: Compiled, steps: list[Walk], connection: Connection) -> None:
    """Assert that every step shows the same in both, until the instance cannot be created or a
    timer fails: then the database retries, and the interpreter does not."""
    with undone(connection):
        interpreted = Interpreted(chart.machine, evaluate)
        deployed = Deployed(connection, chart)
        wanted = interpreted.create({})
        assert deployed.create({}) == wanted
        if wanted.error:
            return
        for step in steps:
            assert interpreted.snapshot is not None
            live = interpreted.snapshot.invokes
            wanted = take(interpreted, step, live)
            assert take(deployed, step, live) == wanted
            if wanted.error and step.kind == "advance":
                return
