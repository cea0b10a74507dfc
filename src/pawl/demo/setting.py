"""Before the story: an empty database becomes one with the order machine."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from textwrap import dedent

from pawl.demo.beats import Beat, Chapter, Excerpt, Say
from pawl.demo.cast import EVERYBODY
from pawl.demo.stage import Stage
from pawl.deploy import install
from pawl.deploy.deploy import deploy
from pawlc.compile import Compiled, compile_machine

EXAMPLE = "food_delivery"
VERSIONS = ("order.machine.yaml", "order.2.machine.yaml", "order.3.machine.yaml")
SHOWN = ("offered", "preparing")


def example() -> Traversable:
    """Return the example's folder: package data in a wheel, the checkout's if that is installed."""
    packaged = files("pawl") / "examples"
    root = packaged if packaged.is_dir() else Path(__file__).parents[3] / "examples"
    return root / EXAMPLE


def definition(version: int = 1) -> Traversable:
    """Return the order machine."""
    return example() / VERSIONS[version - 1]


def set_up(stage: Stage) -> Iterator[Beat]:
    """Install the runtime, deploy the machine, name the client role, introduce people."""
    yield Chapter("A statechart goes into the database")
    file = definition()
    compiled = compile_machine(file.read_text("utf-8"), file.name)
    yield Say(f"`{file.name}` describes the life of an order. Two of its states:")
    yield Excerpt("\n".join(_state(compiled, path) for path in SHOWN))
    install(stage.connection)
    deployment = deploy(stage.connection, compiled)
    yield Say(
        f"`pawl init` and `pawl deploy {file.name}` have put it into Postgres: the schema "
        f"{compiled.machine.schema} (version {deployment.version}) has a table with a column for "
        "each field, and plain PL/pgSQL functions that know every transition."
    )
    yield Say(
        "End users come in through one role, which cannot log in and has no right on any table. "
        "Who they are, their JWT says:"
    )
    yield stage.operator(f"create role {stage.role} nologin")
    yield stage.operator(f"select pawl.init_roles(array['{stage.role}'], null)")
    yield stage.operator("create table person (id uuid primary key, name text, job text)")
    rows = ",\n".join(f"  ('{p.id}', '{p.name}', '{job}')" for p, job in EVERYBODY)
    yield stage.operator(f"insert into person (id, name, job) values\n{rows}\nreturning name, job")
    yield Say("For the demo the clock stands still, and moves when the story says so:")
    yield stage.operator("select pawl.set_clock('2026-05-01 18:30+00')")


def _state(compiled: Compiled, path: str) -> str:
    """The lines of a state in the definition."""
    state = next(state for state in compiled.machine.states if state.path == path)
    following = compiled.machine.states[state.last + 1]
    lines = compiled.source.splitlines()
    return dedent("\n".join(lines[state.span.start.line - 1 : following.span.start.line - 1]))
