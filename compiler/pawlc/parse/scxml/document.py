"""The machine: what `<scxml>` says of itself, and its datamodel."""

import re
from dataclasses import replace

from pawlc import syntax
from pawlc.parse.scxml import data, states
from pawlc.parse.scxml.content import script, words
from pawlc.parse.scxml.family import Family
from pawlc.parse.scxml.reader import SCXML, Element
from pawlc.parse.scxml.shapes import Reading, attributes, children, wrong
from pawlc.parse.xstate.root import sql_name
from pawlc.parse.yaml.shapes import replaced
from pawlc.parse.yaml.sink import Sink
from pawlc.source import Text

_ATTRIBUTES = ("initial", "name", "version", "datamodel", "binding", "exmode")
_OWN = ("machine", "version", "description", "tags", "meta")
_DATAMODELS = ("sql", "null")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def machine(
    root: Element, file: str, sink: Sink, family: Family, given_name: str | None = None
) -> syntax.Machine | None:
    """A whole document; it ignores events that it does not know.

    `given_name` is what a document of the family is called that is not the definition.
    """
    if root.name != "scxml" or root.space not in (SCXML, ""):
        hint = f'begin with `<scxml xmlns="{SCXML}" version="1.0">`'
        sink.error("PW170", f"`<{root.name}>` is no statechart", root.span, "not `<scxml>`", hint)
        return None
    keys = states.keys(root)
    columns = data.columns(root)
    given = root.attributes
    reading = Reading(
        sink=sink,
        paths=states.paths(root, keys),
        fields=frozenset(columns),
        null=_is(given, "datamodel", "null"),
        late=_is(given, "binding", "late"),
        root=root,
        family=family,
    )
    found = attributes(reading, root, _ATTRIBUTES, _OWN)
    inside = children(
        reading, root, (*states.STATES, "transition", "datamodel", "script", "initial")
    )
    if "datamodel" in found and found["datamodel"].value not in _DATAMODELS:
        hint = "write `sql`, and the expressions in SQL; or `null`"
        wrong(reading, found["datamodel"], f"no datamodel `{found['datamodel']}`", hint)
    for each in inside:
        if each.name == "datamodel":
            data.check(reading, each)
    name = _name(root, found, file)
    if given_name is None:
        family.begin(name.value)
    else:
        name = replaced(name, given_name)
    entry = (*data.early(reading, root), *_scripts(reading, root))
    top = replace(
        _root(reading, root, keys, name, entry),
        tags=words(found.get("pawl:tags")),
        meta=states.meta(reading, found.get("pawl:meta")),
    )
    made = {n: syntax.Column(text, replaced(text, "jsonb")) for n, text in reading.made.items()}
    context = tuple((columns | made).values())
    return syntax.Machine(
        file=family.file,
        name=name,
        version=_version(reading, found.get("pawl:version")),
        description=found.get("pawl:description"),
        context=context,
        input=tuple(column.name for column in columns.values()),
        public=None,
        events=(),
        effects=(),
        delays=(),
        guards=(),
        actions=(),
        authorize=None,
        strict=False,
        root=top,
        reading="scxml",
        session=found["name"].value if "name" in found else "",
    )


def _is(given: dict[str, Text], name: str, value: str) -> bool:
    return name in given and given[name].value == value


def _scripts(reading: Reading, root: Element) -> tuple[syntax.Block, ...]:
    """A script of the document runs once, when the data is there (W3C SCXML 5.8)."""
    return tuple(
        syntax.Block(tuple(script(reading, each)), each.span) for each in root.named("script")
    )


def _root(
    reading: Reading,
    root: Element,
    keys: dict[int, Text],
    name: Text,
    entry: tuple[syntax.Action, ...],
) -> syntax.State:
    return syntax.State(
        key=name,
        type=None,
        id=replace(name, value="(scxml)"),
        initial=states.initial(reading, root, root.attributes.get("initial"), keys),
        states=states.states(reading, root, keys),
        on=states.handlers(reading, root),
        after=(),
        always=states.always(reading, root),
        on_done=(),
        entry=entry,
        exit=(),
        invoke=(),
        output=None,
        authorize=None,
        history=None,
        target=None,
        tags=(),
        meta=None,
        description=None,
        span=root.span,
    )


def _name(root: Element, found: dict[str, Text], file: str) -> Text:
    """`pawl:machine`, else `name` made an SQL name, else the file's."""
    if "pawl:machine" in found:
        return found["pawl:machine"]
    if "name" in found:
        if _NAME.fullmatch(found["name"].value):
            return found["name"]
        if made := sql_name(found["name"].value):
            return replaced(found["name"], made)
    stem = sql_name(file.rpartition("/")[2].removesuffix(".scxml")) or "machine"
    return Text(stem, root.span, (root.span.start,))


def _version(reading: Reading, written: Text | None) -> int:
    if written is None:
        return 1
    if re.fullmatch(r"[1-9][0-9]{0,8}", written.value):
        return int(written.value)
    wrong(reading, written, f"version `{written}` is no whole number", 'write `pawl:version="2"`')
    return 1
