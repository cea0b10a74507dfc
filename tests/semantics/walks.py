"""Take a step of a walk with any driver."""

from datetime import timedelta

from tests.semantics.charts import Walk
from tests.semantics.observed import Observed
from tests.semantics.scenario import Driver


def take(driver: Driver, step: Walk, live: tuple[str, ...]) -> Observed:
    """Take a step; an answer to an invoke goes to one of those that are live."""
    match step.kind:
        case "send":
            return driver.send({"type": step.name, "x": step.number})
        case "advance":
            return driver.advance(timedelta(seconds=step.number))
        case "done" if live:
            return driver.done(live[step.number % len(live)], {"y": step.number})
        case "error" if live:
            return driver.error(live[step.number % len(live)], {"message": "no"})
        case _:
            return driver.advance(timedelta())
