"""The names of events, and which descriptor takes which name.

Events that the machine makes itself: `after.<delay as written>.<path>`, `done.state.<path>`,
`done.invoke.<id>`, `error.invoke.<id>`, `snapshot.invoke.<id>`, `error.send.<id>`; the creation of
an instance is `CREATION`. A root's path is empty and leaves no trace in the name. Delayed raises
and sends only name timers; their events have names of their own.
"""

from typing import assert_never

from pawlc.model.machine import AnyEvent, Exactly, Prefix, Trigger

CREATION = "pawl.init"
"""The type of the event that the initial macrostep processes; it carries nothing."""

STOP = "pawl.stop"
"""The type of the event that ends the session of an SCXML invoke."""


def after(delay: str, path: str) -> str:
    """
    >>> after("5 minutes", "kitchen.cooking")
    'after.5 minutes.kitchen.cooking'
    """
    return _dotted("after", delay, path)


def raised_later(id: str) -> str:
    """The name of the timer of a delayed `raise` with an id.

    >>> raised_later("reminder")
    'raise reminder'
    """
    return f"raise {id}"


def sent_later(id: str) -> str:
    """The name of the timer of a delayed `send` with an id.

    >>> sent_later("reminder")
    'send reminder'
    """
    return f"send {id}"


def raised_without_id(seq: int, number: int) -> str:
    """The name of the timer of a delayed `raise` or `send` without an id: the macrostep that set
    it, and which of those there.

    >>> raised_without_id(17, 1)
    'raise.17.1'
    """
    return f"raise.{seq}.{number}"


def done_state(path: str) -> str:
    """
    >>> done_state("kitchen")
    'done.state.kitchen'
    """
    return _dotted("done.state", path)


def done_invoke(id: str) -> str:
    """
    >>> done_invoke("dispatching.find_courier")
    'done.invoke.dispatching.find_courier'
    """
    return _dotted("done.invoke", id)


def error_invoke(id: str) -> str:
    """
    >>> error_invoke("dispatching.find_courier")
    'error.invoke.dispatching.find_courier'
    """
    return _dotted("error.invoke", id)


def snapshot_invoke(id: str) -> str:
    """What an invoke tells while it goes on.

    >>> snapshot_invoke("dispatching.find_courier")
    'snapshot.invoke.dispatching.find_courier'
    """
    return _dotted("snapshot.invoke", id)


def error_send(id: str) -> str:
    """
    >>> error_send("assign")
    'error.send.assign'
    """
    return _dotted("error.send", id)


def invoke_id(path: str, effect: str) -> str:
    """The id of an invoke that has none.

    >>> invoke_id("dispatching", "find_courier")
    'dispatching.find_courier'
    """
    return _dotted(path, effect)


def trigger(descriptor: str) -> Trigger:
    """What a descriptor matches, as XState v5 reads it.

    >>> trigger("courier.*"), trigger("accept"), trigger("*")
    (Prefix(name='courier'), Exactly(name='accept'), AnyEvent())
    """
    if descriptor == "*":
        return AnyEvent()
    if descriptor.endswith(".*"):
        return Prefix(descriptor.removesuffix(".*"))
    return Exactly(descriptor)


def scxml_trigger(descriptor: str) -> Trigger:
    """What a descriptor matches, as W3C SCXML 3.12.1 reads it: whole tokens from the left.

    >>> scxml_trigger("foo"), scxml_trigger("foo.*"), scxml_trigger("*")
    (Prefix(name='foo'), Prefix(name='foo'), AnyEvent())
    """
    name = descriptor.removesuffix("*").rstrip(".")
    return Prefix(name) if name else AnyEvent()


def written(trigger: Trigger) -> str:
    """A trigger as native YAML has it.

    >>> written(Prefix("courier")), written(AnyEvent())
    ('courier.*', '*')
    """
    match trigger:
        case Exactly():
            return trigger.name
        case Prefix():
            return f"{trigger.name}.*"
        case AnyEvent():
            return "*"
        case _:
            assert_never(trigger)


def matches(trigger: Trigger, name: str) -> bool:
    """
    >>> matches(Prefix("courier"), "courier"), matches(Prefix("courier"), "courier.accept")
    (True, True)
    >>> matches(Prefix("courier"), "couriers"), matches(Exactly("a"), "a.b")
    (False, False)
    """
    match trigger:
        case Exactly():
            return name == trigger.name
        case Prefix():
            return name == trigger.name or name.startswith(trigger.name + ".")
        case AnyEvent():
            return True
        case _:
            assert_never(trigger)


def priority(trigger: Trigger) -> tuple[int, int]:
    """The rank of a candidate inside its state: exact names, longer wildcards, shorter ones, `*`.

    >>> sorted([AnyEvent(), Prefix("a"), Exactly("a"), Prefix("a.b")], key=priority)
    [Exactly(name='a'), Prefix(name='a.b'), Prefix(name='a'), AnyEvent()]
    """
    match trigger:
        case Exactly():
            return (0, 0)
        case Prefix():
            return (1, -len(trigger.name))
        case AnyEvent():
            return (2, 0)
        case _:
            assert_never(trigger)


def _dotted(*parts: str) -> str:
    return ".".join(part for part in parts if part)
