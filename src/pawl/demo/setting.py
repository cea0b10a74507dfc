"""Before the story: an empty database becomes one with the order machine."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pawl.demo.beats import Beat, Chapter, Say
from pawl.demo.stage import CLIENT_ROLE, Stage
from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import compile_machine

EXAMPLE = "food_delivery/order.machine.yaml"


def definition() -> Traversable:
    """Return the order machine: package data in a wheel, the checkout's in an editable install."""
    packaged = files("pawl") / "examples"
    root = packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples"
    return root / EXAMPLE


def set_up(stage: Stage) -> Iterator[Beat]:
    """Install the runtime, name a client role, deploy the machine, stop the clock."""
    yield Chapter("A statechart goes into the database")
    file = definition()
    install(stage.connection)
    compiled = compile_machine(file.read_text("utf-8"), file.name)
    deployment = deploy(stage.connection, compiled)
    yield Say(
        f"`pawl init` installed the runtime; `pawl deploy {file.name}` compiled "
        f"{len(compiled.machine.states) - 1} states and {len(compiled.machine.transitions())} "
        f"transitions into the schema {compiled.machine.schema} (version {deployment.version}): a "
        "table with a column for each field, and functions of straight-line PL/pgSQL."
    )
    yield Say(
        "End users come in through one role. It cannot log in, and has no right on any table:"
    )
    yield stage.operator(f"create role {CLIENT_ROLE} nologin")
    yield stage.operator(f"select pawl.init_roles(array['{CLIENT_ROLE}'], null)")
    yield Say("For the demo the clock stands still, and moves when the story says so:")
    yield stage.operator("select pawl.set_clock('2026-05-01 18:30+00')")
