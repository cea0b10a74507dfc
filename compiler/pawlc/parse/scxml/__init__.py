"""W3C SCXML (`.scxml`, https://www.w3.org/TR/scxml/) to `syntax.Machine`.

Datamodels: `null`, where the only expression is `In('state')`, and `sql`, the default, where every
expression is SQL: a `<data>` is a field that goes by its bare name, and `_event`, `_name`,
`_sessionid` and `_ioprocessors` are there. An expression that is wrong is no error of the
definition: it fails when it is evaluated (W3C SCXML 5.9.1).

reader     XML text to elements with their positions
shapes     attributes, known and unknown; texts that are SQL
document   the machine itself
data       the datamodel: fields, and what gives them their first values
states     states, transitions, initial, history, done data
invoke     invoked sessions
content    executable content
family     the documents that a definition contains or names, each a machine of its own
companion  `migrate`, in `parcel.impl.yaml` beside `parcel.scxml`
"""

from dataclasses import replace

from pawlc import syntax
from pawlc.diagnostics import Diagnostic, in_order
from pawlc.parse.scxml import document
from pawlc.parse.scxml.companion import file_name, migrations
from pawlc.parse.scxml.family import Family, beside, fetched
from pawlc.parse.scxml.reader import read
from pawlc.parse.yaml.sink import Sink

__all__ = ["fetched", "file_name", "parse"]


def parse(
    text: str, file: str, impl: str | None = None
) -> tuple[syntax.Machine | None, tuple[Diagnostic, ...]]:
    """Read a document; `file` is the name that its diagnostics show. Never raises.

    `impl` is a JSON object with the texts of the files that it names (`fetched`), and of the
    companion. The documents that it contains or names become its `children`.
    """
    root, problems = read(text, file)
    if root is None:
        return None, problems
    sink, family = Sink(), Family(file, beside(impl))
    found = document.machine(root, file, sink, family)
    children = []
    while found is not None and family.waiting:
        child = family.waiting.pop(0)
        made = document.machine(child.root, child.file, sink, family, child.machine)
        children += [replace(made, version=found.version)] if made is not None else []
    if found is not None:
        migrate = migrations(file, text, family.files, sink)
        found = replace(found, children=tuple(children), migrate=migrate)
    return found, in_order((*family.problems, *sink.diagnostics()))
