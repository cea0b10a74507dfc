"""What a session of SCXML does with events: where `<send>` puts them, what `_event` shows.

W3C SCXML 5.10.1 and 6.2, Appendix C.1.
"""

from collections.abc import Mapping

from pawlc.interpret.trace import Event, Failed
from pawlc.model import events
from pawlc.model.failing import PROCESSOR

_TYPES = (None, "", "scxml", PROCESSOR, PROCESSOR.removesuffix("#SCXMLEventProcessor"))
_HTTP = "http://www.w3.org/TR/scxml/#BasicHTTPEventProcessor"
_SESSION = "#_scxml_"


def queue_of(target: str | None, type: str | None, session: str) -> str:
    """`internal` or `external`; `Failed` where no event can be put."""
    if type == _HTTP:
        raise Failed("there is no HTTP event processor", "error.communication")
    if type not in _TYPES:
        raise Failed(f"no event processor is called {type}")
    if target is None or target == f"{_SESSION}{session}":
        return "external"
    if target == "#_internal":
        return "internal"
    if target == "#_parent" or target.startswith("#_"):
        raise Failed(f"no session is called {target}", "error.communication")
    raise Failed(f"{target} is no target of an event")


def sent(
    name: str, data: object, id: str | None, session: str | None, timer: str | None = None
) -> Event:
    """An event that is put into a queue; `session` None: the internal one."""
    fields = {"type": "internal", "sendid": id, "data": data}
    if session is not None:
        fields |= {"type": "external", "origin": f"{_SESSION}{session}", "origintype": PROCESSOR}
    return Event(name, external=False, timer=timer, fields=fields)


def error(failed: Failed, id: str | None) -> Event:
    """The event of an error (W3C SCXML 5.10.1, `platform`)."""
    fields = {"type": "platform", "sendid": id, "data": str(failed)}
    return Event(failed.event, external=False, fields=fields)


def shown(event: Event) -> Mapping[str, object] | None:
    """`_event`, with all its fields: None until there was one."""
    if event.type == events.CREATION:
        return None
    fields = event.fields
    if fields is None and event.type.startswith(("done.", "error.")):
        fields = {"type": "platform", "data": event.output}
    elif fields is None:
        payload = {k: v for k, v in event.payload.items() if k != "type"}
        fields = {"type": "external", "data": payload or None}
    absent = dict.fromkeys(("sendid", "origin", "origintype", "invokeid", "data"))
    return {**absent, **fields, "name": event.type}
