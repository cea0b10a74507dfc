"""What a session of SCXML does with events: where `<send>` puts them, what `_event` shows.

W3C SCXML 5.10.1 and 6.2, Appendix C.1.
"""

import re
from collections.abc import Iterable, Mapping

from pawlc.interpret.trace import Event, Failed, Sent
from pawlc.model import events
from pawlc.model.failing import PROCESSOR
from pawlc.model.machine import Session

_TYPES = (None, "", "scxml", PROCESSOR, PROCESSOR.removesuffix("#SCXMLEventProcessor"))
_HTTP = "http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor"
_SESSION = "#_scxml_"
_ADDRESS = re.compile(r"^machine:|^(file:)?(.*/)?|(\.machine)?\.\w+$")

_RESULTS = ("done.invoke.", "error.invoke.")

PARENT = "#_parent"


def target_of(
    target: str | None, type: str | None, session: str, invokes: Iterable[str]
) -> str | None:
    """Where an event goes: None is the internal queue, `session` the external one, else another
    session; `Failed` where no event can be put."""
    if type == _HTTP:
        raise Failed("there is no HTTP event processor", "error.communication")
    if type not in _TYPES:
        raise Failed(f"no event processor is called {type}")
    if target is None or target == f"{_SESSION}{session}":
        return session
    if target == "#_internal":
        return None
    if not target.startswith("#_"):
        raise Failed(f"{target} is no target of an event")
    is_session = target.startswith(_SESSION) and all(target.removeprefix(_SESSION).split("/", 1))
    if target == PARENT or (is_session and "/" in target) or target[2:] in invokes:
        return target
    raise Failed(f"no session is called {target}", "error.communication")


def message(target: str, event: Event) -> Sent:
    """An event for another session."""
    machine = id = child = None
    if target.startswith(_SESSION):
        machine, _, id = target.removeprefix(_SESSION).partition("/")
    elif target != PARENT:
        child = target.removeprefix("#_")
    fields = event.fields or {}
    return Sent(machine, id, child, event, str(fields.get("sendid") or ""), False)


def forwarded(event: Event, child: str) -> Sent:
    """An exact copy of an external event (W3C SCXML 6.4)."""
    fields = {k: v for k, v in (shown(event) or {}).items() if k != "name"}
    return Sent(None, None, child, Event(event.type, fields=fields), None, False)


def is_external(event: Event) -> bool:
    """Whether an event came through the external queue."""
    return event.fields is None or event.fields.get("type") == "external"


def machine_of(asked: Session, source: str, machines: Iterable[str]) -> str:
    """The machine that a computed address or document means."""
    documents = asked.documents
    if documents is not None:
        if source not in dict(documents):
            why = "this document is none of those that the definition contains"
            raise Failed(why, "error.communication")
        return dict(documents)[source]
    name = dict(asked.files).get(source) or _ADDRESS.sub("", source)
    if name not in machines:
        raise Failed(f"no machine is deployed for {source}", "error.communication")
    return name


def check_type(type: object) -> None:
    """Refuse a type of invoke that is not SCXML's own."""
    address = PROCESSOR.partition("#")[0]
    if type not in (None, "", "scxml", address, address.rstrip("/")):
        raise Failed(f"nothing of the type {type} can be invoked")


def timer_name(id: str, number: str) -> str:
    """The name of the timer of a delayed event; `number` is that of one without an id.

    >>> timer_name("reminder", "raise.17.1")
    'raise reminder 17.1'
    """
    return f"{events.raised_later(id)} {number.removeprefix('raise.')}"


def is_timer_of(name: str, id: str) -> bool:
    """Whether a timer is of a delayed event with this id."""
    return re.sub(r" \d+\.\d+$", "", name) == events.raised_later(id)


def sent(name: str, data: object, id: str | None, session: str | None) -> Event:
    """An event that is put into a queue; `session` None: the internal one."""
    fields = {"type": "internal", "sendid": id, "data": data}
    if session is not None:
        fields |= {"type": "external", "origin": f"{_SESSION}{session}", "origintype": PROCESSOR}
    return Event(name, external=False, fields=fields)


def error(failed: Failed, id: str | None) -> Event:
    """The event of an error (W3C SCXML 5.10.1, `platform`)."""
    fields = {"type": "platform", "sendid": id, "data": str(failed)}
    return Event(failed.event, external=False, fields=fields)


def shown(event: Event) -> Mapping[str, object] | None:
    """`_event`, with all its fields: None until there was one.

    >>> shown(Event("done.invoke.count", output=0))["data"]
    0
    """
    if event.type == events.CREATION:
        return None
    fields = event.fields
    if fields is None and event.type.startswith(_RESULTS):
        id = event.type.split(".", 2)[2]
        data = event.error if event.output is None else event.output
        fields = {"type": "external", "data": data, "invokeid": id}
    elif fields is None and event.type.startswith(("done.", "error.")):
        fields = {"type": "platform", "data": event.output}
    elif fields is None:
        payload = {k: v for k, v in event.payload.items() if k != "type"}
        fields = {"type": "external", "data": payload or None}
    absent = dict.fromkeys(("sendid", "origin", "origintype", "invokeid", "data"))
    return {**absent, **fields, "name": event.type}
