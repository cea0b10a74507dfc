"""The documents of one definition: its own, those that it contains, and the files that it names.

Each of them becomes a machine, `<definition>_<what>`, and is deployed with the definition. A file
is looked for beside the definition only, and never fetched.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pawlc.diagnostics import Diagnostic
from pawlc.parse.scxml.reader import SCXML, Element, read
from pawlc.parse.xstate.root import sql_name

_FETCHED = ("invoke", "data", "script")
_FILE = re.compile(r"'((?:file:)?[\w./-]+\.\w+)'")
_OUTSIDE = re.compile(r"^/|^[A-Za-z][A-Za-z0-9+.-]*:|(^|/)\.\.(/|$)")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document that is still to be read, and the name of its machine."""

    machine: str
    root: Element
    file: str


@dataclass(slots=True)
class Family:
    """`files` are the texts beside the definition; `named` the machines of those read already.

    `problems` are those of the files' XML.
    """

    file: str
    files: Mapping[str, str]
    name: str = ""
    taken: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)

    def begin(self, name: str) -> None:
        """The definition itself has this name, and invokes itself by its file's."""
        self.name = name
        self.taken.add(name)
        self.named[self.file] = name

    def document(self, root: Element, what: str, file: str) -> str:
        """Have a document read; returns the name of its machine."""
        stem = f"{self.name}_{sql_name(what) or 'child'}"
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        self.waiting.append(Waiting(name, root, file))
        return name

    def text(self, text: str, what: str, file: str) -> str | None:
        """Have the text of a document read; None if it is none."""
        root, problems = read(text, file)
        self.problems += problems
        if root is None or not is_document(root):
            return None
        return self.document(root, what, file)

    def invoked(self, file: str) -> str | None:
        """The machine of a file beside the definition; each is read once."""
        if file not in self.named and file in self.files:
            stem = file.rpartition("/")[2].partition(".")[0]
            if (name := self.text(self.files[file], stem, file)) is not None:
                self.named[file] = name
        return self.named.get(file)


def is_document(element: Element) -> bool:
    """Whether an element is a statechart of SCXML."""
    return element.name == "scxml" and element.space in (SCXML, "")


def beside(impl: str | None) -> Mapping[str, str]:
    """The texts of files, from the JSON object that they are kept in."""
    return json.loads(impl) if impl is not None else {}


def local(address: str) -> str | None:
    """The name of a file beside the definition; None for anything that would have to be fetched.

    >>> local("file:sub.scxml"), local("./a/sub.scxml"), local("http://example.org/sub.scxml")
    ('sub.scxml', 'a/sub.scxml', None)
    """
    name = address.strip().removeprefix("file:").removeprefix("./")
    return None if not name or _OUTSIDE.search(name) else name


def fetched(text: str) -> tuple[str, ...]:
    """The files that a document names, in order; none if it is no XML.

    >>> fetched('<scxml><invoke src="file:sub.scxml"/></scxml>')
    ('sub.scxml',)
    """
    root, _ = read(text, "")
    return () if root is None else tuple(dict.fromkeys(_named(root)))


def _named(element: Element) -> list[str]:
    found: list[str] = []
    for child in element.children:
        addresses = [text.value for name, text in child.attributes.items() if name == "src"]
        addresses = addresses if child.name in _FETCHED else []
        names = (local(address) for address in (*addresses, *constants(child)))
        found += [name for name in names if name is not None]
        found += _named(child)
    return found


def constants(element: Element) -> tuple[str, ...]:
    """The texts in an element's expressions that may be what a `srcexpr` computes: file names."""
    values = (t.value for name, t in element.attributes.items() if name in ("expr", "srcexpr"))
    return tuple(match for value in values for match in _FILE.findall(value))
