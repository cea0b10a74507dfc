"""XML as text: elements with their attributes on one line, their content indented below."""

from collections.abc import Iterator
from dataclasses import dataclass

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)


@dataclass(frozen=True, slots=True)
class Tag:
    """An element; attributes that are None are not there."""

    name: str
    attributes: dict[str, str | None]
    inside: tuple["Tag", ...] = ()


def text(root: Tag) -> str:
    """A document.

    >>> print(text(Tag("a", {"b": '1 < "2"', "c": None}, (Tag("d", {}),))), end="")
    <a b="1 &lt; &quot;2&quot;">
      <d/>
    </a>
    """
    return "".join(f"{line}\n" for line in _lines(root))


def _lines(tag: Tag) -> Iterator[str]:
    given = ((name, value) for name, value in tag.attributes.items() if value is not None)
    opened = "".join([f"<{tag.name}", *(f' {name}="{_quoted(value)}"' for name, value in given)])
    if not tag.inside:
        yield f"{opened}/>"
        return
    yield f"{opened}>"
    for child in tag.inside:
        yield from (f"  {line}" for line in _lines(child))
    yield f"</{tag.name}>"


def _quoted(value: str) -> str:
    return value.translate(_ENTITIES)
