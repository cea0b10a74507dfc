"""The companion `parcel.impl.yaml` of a document `parcel.scxml`: what becomes of earlier versions.

Its only section is `migrate`, that of the native form. It travels with the files that the document
names, under its own name.
"""

from collections.abc import Mapping as Texts

from pawlc import syntax
from pawlc.parse.scxml.family import fetched
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


def own(definition: str, text: str, files: Texts[str, str]) -> str | None:
    """Which of the files is a document's companion.

    A version that was kept has another name than its companion; so it is the one that no document
    names as its data.

    >>> own("parcel.1.scxml", "<scxml/>", {"parcel.impl.yaml": "", "kid.scxml": "<scxml/>"})
    'parcel.impl.yaml'
    """
    if file_name(definition) in files:
        return file_name(definition)
    named = {name for each in (text, *files.values()) for name in fetched(each)}
    return next((name for name in files if name.endswith(ENDING) and name not in named), None)


def migrations(
    definition: str, text: str, files: Texts[str, str], sink: Sink
) -> tuple[syntax.Migrate, ...]:
    """Read the companion, if one is among the files."""
    file = own(definition, text, files)
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
