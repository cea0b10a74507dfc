"""YAML 1.2 text to positioned nodes.

In: the text of one definition. Out: its root node, or None, and what YAML itself makes wrong: bad
syntax, tabs, keys written twice, anchors, tags, several documents. Bad syntax ends the reading, all
else is reported and read on.
"""

import re
from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from pawlc.parse.yaml import traps
from pawlc.parse.yaml.nodes import Entry, Mapping, Node, Scalar, Sequence
from pawlc.parse.yaml.scalars import Source, text
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Span

MAX_DEPTH = 100
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class _Stop(Exception):
    """The document cannot be read on; why is in the sink."""


def read(content: str, file: str, sink: Sink) -> tuple[Node | None, Source]:
    """The root node of a document, or None when there is none or it cannot be read."""
    plain = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    source = Source(plain, file)
    if forbidden := _FORBIDDEN.search(plain):
        _forbidden(source, forbidden, sink)
        return None, source
    try:
        return _Builder(source, sink).document(_events(plain)), source
    except _Stop:
        return None, source
    except MarkedYAMLError as error:
        sink.add(traps.explain(source, error))
    except (YAMLError, ValueError) as error:
        span = source.span(0, 0)
        sink.error("PW001", f"this is not YAML: {str(error).splitlines()[0]}", span)
    return None, source


def _events(content: str) -> Iterator[Event]:
    events: Iterator[Event] = YAML(typ="safe", pure=True).parse(content)
    return events


def _forbidden(source: Source, match: re.Match[str], sink: Sink) -> None:
    sink.error(
        "PW015",
        f"the character U+{ord(match.group()):04X} may not stand in a definition",
        source.span(match.start(), match.end()),
        "an invisible character",
        "delete it; inside double quotes it can be written as an escape",
    )


class _Builder:
    """Turns the events of one document into nodes."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self.source = source
        self.sink = sink
        self.anchors: dict[str, Node] = {}

    def document(self, events: Iterator[Event]) -> Node | None:
        """The first document's root; complains about a second one."""
        root: Node | None = None
        documents = 0
        for event in events:
            match event:
                case DocumentStartEvent():
                    documents += 1
                    if documents == 2:
                        self._second(event)
                        break
                case ScalarEvent() | AliasEvent() | MappingStartEvent() | SequenceStartEvent():
                    root = self.node(event, events, 1)
                case _:
                    pass
        return root

    def node(self, event: Event, events: Iterator[Event], depth: int) -> Node:
        """The node that an event begins."""
        if depth > MAX_DEPTH:
            message = f"the definition is nested more than {MAX_DEPTH} levels deep"
            self.sink.error("PW008", message, self._span(event), "too deep")
            raise _Stop
        found: Node
        match event:
            case AliasEvent():
                return self._alias(event)
            case ScalarEvent():
                self._refuse_anchor_and_tag(event)
                found = self._scalar(event)
            case MappingStartEvent():
                self._refuse_anchor_and_tag(event)
                found = self._mapping(event, events, depth)
            case SequenceStartEvent():
                self._refuse_anchor_and_tag(event)
                found = self._sequence(event, events, depth)
            case _:
                raise _Stop  # no node begins with another event
        if event.anchor is not None:
            self.anchors[event.anchor] = found
        return found

    def _scalar(self, event: ScalarEvent) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        if event.tag is not None or event.anchor is not None:  # refused; skip to the value
            start = min(end, start + self._properties(start, end))
        value = text(self.source, event.value, event.style, start, end)
        plain = event.style is None
        return Scalar(value, plain, self.source.rest_of_line(end) if plain else "")

    def _nothing(self, key: Scalar) -> Scalar:
        """A missing value, placed behind its key; YAML places it before whatever comes next."""
        end = self.source.offset(key.span.end)
        found = re.match(r"\s*:", self.source.rest_of_line(end))
        at = end + (found.end() if found else 0)
        nothing = text(self.source, "", None, at, at)
        return Scalar(nothing, True, self.source.rest_of_line(at))

    def _properties(self, start: int, end: int) -> int:
        """The length of the anchor and tag before a value."""
        found = re.match(r"(?:[&!]\S*\s*)*", self.source.text[start:end])
        return len(found.group()) if found else 0

    def _mapping(self, event: MappingStartEvent, events: Iterator[Event], depth: int) -> Mapping:
        entries: list[Entry] = []
        end = event.end_mark.index
        for key in events:
            if isinstance(key, MappingEndEvent):
                end = max(end, key.end_mark.index if event.flow_style else end)
                break
            name = self.node(key, events, depth + 1)
            value = self.node(next(events), events, depth + 1)
            if not isinstance(name, Scalar):
                self.sink.error("PW014", "a key must be text", name.span, "not text")
            elif name.missing:
                self.sink.error("PW014", "a key is missing before this colon", name.span, "no key")
            else:
                missing = isinstance(value, Scalar) and value.missing
                entries.append(Entry(name.text, self._nothing(name) if missing else value))
        flow = bool(event.flow_style)
        if flow:
            entries = traps.rejoin_entries(self.source, entries, self.sink)
        start = event.start_mark.index
        span = self.source.span(start, end)
        if not flow:  # a block is shown by its first key
            span = entries[0].key.span if entries else self.source.span(start, start + 1)
        return Mapping(self._distinct(entries), flow, span)

    def _sequence(self, event: SequenceStartEvent, events: Iterator[Event], depth: int) -> Sequence:
        items: list[Node] = []
        end = event.end_mark.index
        for item in events:
            if isinstance(item, SequenceEndEvent):
                end = max(end, item.end_mark.index if event.flow_style else end)
                break
            items.append(self.node(item, events, depth + 1))
        flow = bool(event.flow_style)
        if flow:
            items = traps.rejoin_items(self.source, items, self.sink)
        start = event.start_mark.index
        span = self.source.span(start, end) if flow else self.source.span(start, start + 1)
        return Sequence(tuple(items), flow, span)

    def _distinct(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """The entries whose key is new; a repeated or merge key is reported and left out."""
        seen: dict[str, Span] = {}
        kept: list[Entry] = []
        for entry in entries:
            key = entry.key.value
            if key == "<<" and not entry.key.quoted:
                message = "merge keys (`<<`) are not supported"
                self.sink.error("PW004", message, entry.key.span, "write the keys out")
            elif key in seen:
                related = ((seen[key], "first written here"),)
                message = f"`{key}` is written twice"
                self.sink.error("PW003", message, entry.key.span, "again here", None, related)
            else:
                seen[key] = entry.key.span
                kept.append(entry)
        return tuple(kept)

    def _refuse_anchor_and_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        start = event.start_mark.index
        length = max(1, self._properties(start, event.end_mark.index))
        before = self.source.span(start, start + length)
        if event.anchor is not None:
            self.sink.error(
                "PW004",
                f"anchors (`&{event.anchor}`) are not supported",
                before,
                "an anchor",
                "write the value out where it is needed; put a text that begins with `&` in quotes",
            )
        if event.tag is not None:
            self.sink.error(
                "PW016",
                "YAML tags are not supported",
                before,
                "a tag",
                "the key decides the type of its value; put a text that begins with `!` in quotes",
            )

    def _alias(self, event: AliasEvent) -> Node:
        """What an alias stands for, so that its place gets no further complaint."""
        if event.anchor in self.anchors:
            message = f"aliases (`*{event.anchor}`) are not supported"
            hint = "write the value out where it is needed"
            self.sink.error("PW004", message, self._span(event), "an alias", hint)
            return self.anchors[event.anchor]
        self.sink.add(traps.star(self.source, event.start_mark.index))
        raise _Stop

    def _second(self, event: Event) -> None:
        self.sink.error(
            "PW005",
            "a file holds one machine, this one goes on with a second document",
            self._span(event),
            "a second document begins here",
            "move it to a file of its own",
        )

    def _span(self, event: Event) -> Span:
        """The first line of what an event covers."""
        start, end = event.start_mark.index, event.end_mark.index
        first = len(self.source.text[start : max(end, start + 1)].split("\n")[0])
        return self.source.span(start, start + max(1, first))
