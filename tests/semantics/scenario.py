"""`scenario.yaml` as data: steps, and what each must show. The format: `tests/cases/README.md`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML

from pawlc.model import intervals
from tests.semantics.observed import Observed

CASES = Path(__file__).parents[1] / "cases"

_EXPECTED = frozenset(
    {"state", "context", "status", "output", "handled", "error"}
    | {"effects", "started", "timers", "invokes", "sent", "log"}
)


@dataclass(frozen=True, slots=True)
class Create:
    """Create the instance."""

    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Send:
    """Send an event from outside."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Advance:
    """Move the clock and fire what is due; `text` is the interval as written."""

    by: timedelta
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """Answer an invoke."""

    invoke: str
    output: Any


@dataclass(frozen=True, slots=True)
class Fail:
    """Fail an invoke for good."""

    invoke: str
    error: Any


@dataclass(frozen=True, slots=True)
class Unsent:
    """Give a message back: nobody could take it."""

    send: str
    error: Any


@dataclass(frozen=True, slots=True)
class Tell:
    """An invoke goes on, and tells how far it is."""

    invoke: str
    snapshot: Any


Action = Create | Send | Advance | Done | Fail | Unsent | Tell


class Driver(Protocol):
    """Somebody who drives an instance: the interpreter's or the database's."""

    def create(self, input: Mapping[str, Any]) -> Observed: ...

    def send(self, event: Mapping[str, Any]) -> Observed: ...

    def advance(self, by: timedelta) -> Observed: ...

    def done(self, invoke: str, output: Any) -> Observed: ...

    def error(self, invoke: str, error: Any) -> Observed: ...

    def unsent(self, send: str, error: Any) -> Observed: ...
    def tell(self, invoke: str, snapshot: Any) -> Observed: ...


def perform(driver: Driver, action: Action) -> Observed:
    """Take one step of a scenario."""
    match action:
        case Create(input=input):
            return driver.create(input)
        case Send(event=event):
            return driver.send(event)
        case Advance(by=by):
            return driver.advance(by)
        case Done(invoke=invoke, output=output):
            return driver.done(invoke, output)
        case Fail(invoke=invoke, error=error):
            return driver.error(invoke, error)
        case Unsent(send=send, error=error):
            return driver.unsent(send, error)
        case Tell(invoke=invoke, snapshot=snapshot):
            return driver.tell(invoke, snapshot)


@dataclass(frozen=True, slots=True)
class Step:
    """An action and what it must show; `line` is its place in the file."""

    action: Action
    expect: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """A folder of `tests/cases`. `engines` says who can run it: `interpreter`, `postgres`."""

    name: str
    folder: Path
    definition: Path
    steps: tuple[Step, ...]
    engines: tuple[str, ...] = field(default=("interpreter", "postgres"))


def cases() -> tuple[Case, ...]:
    """Every case, by name."""
    return tuple(load(path) for path in sorted(CASES.glob("*/*/scenario.yaml")))


def load(path: Path) -> Case:
    """Read one scenario."""
    folder = path.parent
    (definition,) = folder.glob("*.machine.yaml")
    document = YAML().load(path.read_text(encoding="utf-8"))
    return Case(
        name=f"{folder.parent.name}/{folder.name}",
        folder=folder,
        definition=definition,
        steps=tuple(_steps(document["steps"])),
        engines=tuple(document.get("engines", ("interpreter", "postgres"))),
    )


def _steps(written: Any) -> Iterator[Step]:
    for number, one in enumerate(written):
        expect = dict(one.get("expect") or {})
        unknown = expect.keys() - _EXPECTED
        if unknown:
            raise ValueError(f"nothing shows {sorted(unknown)}")
        yield Step(_action(_plain(one)), _plain(expect), written.lc.item(number)[0] + 1)


def _action(one: Mapping[str, Any]) -> Action:
    match [(key, value) for key, value in one.items() if key != "expect"]:
        case [("create", input)]:
            return Create(input or {})
        case [("send", str(name))]:
            return Send({"type": name})
        case [("send", event)]:
            return Send(event)
        case [("advance", text)]:
            return Advance(_timedelta(text), text)
        case [("done", {"invoke": invoke, **rest})]:
            return Done(invoke, rest.get("output"))
        case [("error", {"invoke": invoke, **rest})]:
            return Fail(invoke, rest.get("error"))
        case [("error", {"send": send, **rest})]:
            return Unsent(send, rest.get("error"))
        case [("tell", {"invoke": invoke, **rest})]:
            return Tell(invoke, rest.get("snapshot"))
        case other:
            raise ValueError(f"not a step: {other}")


def _timedelta(text: str) -> timedelta:
    interval = intervals.parse(text)
    if interval is None or interval.months:
        raise ValueError(f"not a duration: {text}")
    return timedelta(days=interval.days, microseconds=interval.microseconds)


def _plain(value: Any) -> Any:
    """ruamel's own mappings and lists as Python's."""
    match value:
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def shown(observed: Observed, expect: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an observation that a step says something about, in the scenario's own shape."""
    found: dict[str, Any] = {
        "state": list(observed.state),
        "context": {name: observed.context.get(name) for name in expect.get("context", {})},
        "status": observed.status,
        "output": observed.output,
        "handled": observed.handled,
        "effects": _commands(observed.effects, expect.get("effects", [])),
        "started": _commands(observed.started, expect.get("started", [])),
        "timers": list(observed.timers),
        "invokes": list(observed.invokes),
        "sent": [dict(one) for one in observed.sent],
        "log": list(observed.log),
        "error": observed.error,
    }
    return {key: found[key] for key in expect}


def _commands(found: tuple[tuple[str, Mapping[str, Any]], ...], expect: list[Any]) -> list[Any]:
    """A command as its name, or where the scenario gives its input, as `{name: input}`."""
    named = [isinstance(each, str) for each in expect] + [True] * len(found)
    return [
        name if plain else {name: dict(input)}
        for (name, input), plain in zip(found, named, strict=False)
    ]


def expected(step: Step) -> dict[str, Any]:
    """What a step must show; without `error` it must not be refused."""
    return {"error": None, **step.expect}
