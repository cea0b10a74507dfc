"""The companion `parcel.impl.yaml` of a document `parcel.scxml`: what becomes of earlier versions.

Its only section is `migrate`, that of the native form. It travels with the files that the document
names, under its own name.
"""

from collections.abc import Mapping as Texts

from pawlc import syntax
from pawlc.parse.yaml.migrate import migrate
from pawlc.parse.yaml.nodes import Mapping
from pawlc.parse.yaml.reader import read
from pawlc.parse.yaml.root import is_empty
from pawlc.parse.yaml.shapes import Form, mapping, wrong
from pawlc.parse.yaml.sink import Sink

ENDING = ".impl.yaml"
_OTHERS = dict.fromkeys(
    ("guards", "actions", "delays", "effects", "context", "authorize"),
    "the document says it itself; only `migrate` stands here",
)


def file_name(definition: str) -> str:
    """Where the companion of a document lies.

    >>> file_name("parcel.scxml")
    'parcel.impl.yaml'
    """
    return f"{definition.removesuffix('.scxml')}{ENDING}"


def migrations(files: Texts[str, str], sink: Sink) -> tuple[syntax.Migrate, ...]:
    """Read the companion, if one is among the files."""
    file = next((name for name in files if name.endswith(ENDING)), None)
    if file is None:
        return ()
    node, source = read(files[file], file, sink)
    form = Form(source, sink, free_names=True)
    if isinstance(node, Mapping):
        found = mapping(form, node, "a companion", ("migrate",), _OTHERS)
        return migrate(form, found.get("migrate"))
    if node is not None and not is_empty(node):
        wrong(form, node, "a companion", "a mapping", "begin with `migrate:`")
    return ()
