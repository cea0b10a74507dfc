"""Long expressions, broken at their outermost commas and operators.

Works on text that is valid SQL, so quotes and parentheses balance.
"""

from collections.abc import Iterator

WIDTH = 100


def fit(text: str, indent: int, prefix: int = 0, suffix: int = 1) -> str:
    """`text` as it stands if it fits in a line, else over several lines.

    `indent` is the column of the statement, `prefix` how far its first line is taken already,
    `suffix` what follows the last.

    >>> print(fit("f(" + ", ".join(["argument"] * 12) + ")", 0, 0).splitlines()[1])
      argument,
    """
    if "\n" in text or indent + prefix + len(text) + suffix <= WIDTH:
        return text
    return _broken(text, indent) or text


def _broken(text: str, indent: int) -> str | None:
    for operator in (" or ", " and ", " || "):
        parts = list(split(text, operator))
        if len(parts) > 1:
            inner = indent + 2
            lines = [fit(parts[0], indent, 0, 0)]
            lines += [operator.lstrip() + fit(p, inner, len(operator), 0) for p in parts[1:]]
            return ("\n" + " " * inner).join(lines)
    return _broken_call(text, indent)


def _broken_call(text: str, indent: int) -> str | None:
    opened = text.find("(")
    closed = _closing(text, opened) if opened >= 0 else -1
    if closed < 0 or "'" in text[:opened]:
        return None
    items = list(split(text[opened + 1 : closed], ", "))
    keys = [""] * len(items)
    if text[:opened].endswith("jsonb_build_object"):
        keys, items = [f"{key}, " for key in items[::2]], items[1::2]
    inner = indent + 2
    body = ",\n".join(
        f"{' ' * inner}{key}{fit(item, inner, len(key))}"
        for key, item in zip(keys, items, strict=True)
    )
    return f"{text[: opened + 1]}\n{body}\n{' ' * indent}{text[closed:]}"


def split(text: str, separator: str) -> Iterator[str]:
    """Split at a separator outside quotes and parentheses.

    >>> list(split("a, f(b, c), 'd, e'", ", "))
    ['a', 'f(b, c)', "'d, e'"]
    """
    begin = depth = place = 0
    while place < len(text):
        character = text[place]
        if (end := _quoted(text, place)) > place:
            place = end
            continue
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text.startswith(separator, place):
            yield text[begin:place]
            place += len(separator)
            begin = place
            continue
        place += 1
    yield text[begin:]


def _closing(text: str, opened: int) -> int:
    """The parenthesis that closes the one at `opened`; -1 if none does."""
    depth, place = 0, opened
    while place < len(text):
        if (end := _quoted(text, place)) > place:
            place = end
            continue
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
        place += 1
    return -1


def _quoted(text: str, place: int) -> int:
    """The place after the quoted piece that begins here; `place` itself if none does."""
    quote = text[place]
    if quote in "'\"":
        end = text.find(quote, place + 1)
        return len(text) if end < 0 else end + 1
    if quote == "$" and (end := text.find("$", place + 1)) > 0:
        tag = text[place : end + 1]
        if tag[1:-1] == "" or tag[1:-1].isidentifier():
            closing = text.find(tag, end + 1)
            return len(text) if closing < 0 else closing + len(tag)
    return place
