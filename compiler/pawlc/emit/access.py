"""Who may read: the `read` rule as row security, `public:` as grants of columns.

In: a machine and its deployed versions. Out: a script for every deploy, since both follow the
current version. A rule runs for each row of a scan, so what depends on the caller alone becomes a
subquery, which Postgres evaluates once: `(select pawl.reading_claims()->>'sub')`. It runs with the
client's own rights, who can look up no name in `pawl` or the machine's schema: whatever he calls
there has a body that is parsed when it is made.
"""

import re

from pawlc.emit.layout import fit
from pawlc.emit.render import Access, fill
from pawlc.expr import names
from pawlc.lower.actions import build_object
from pawlc.model.machine import Expression, Machine, Ref
from pawlc.sql import Sql, ident, join, literal, sql

PUBLIC = ("iid", "id", "version", "state", "status", "seq", "created_at", "updated_at", "output")
"""The columns of every instance that whoever may read it may see."""

_OPERATOR = r"[-+*/<>=~!@#%^&|`?]"
_COMPARES = rf"(?:<>|<=|>=|!=|=|<|>)(?!{_OPERATOR})"
_BEFORE = re.compile(
    rf"(?:^|[(,]|(?<!{_OPERATOR})(?:<>|<=|>=|!=|=|<|>)|\b(?:and|or|not|when|then|else|case))\s*$",
    re.IGNORECASE,
)
_KEYS = re.compile(r"(?:\s*->>?\s*(?:'[^']*'|\d+))+")
_CAST = re.compile(r"\s*\)\s*::\s*[a-z_][\w.]*(?:\[\])?", re.IGNORECASE)
_AFTER = re.compile(
    rf"\s*(?:$|[),]|{_COMPARES}|(?:is|in|and|or|not|when|then|else|end|like|ilike|between)\b)",
    re.IGNORECASE,
)
_CLAIMS = "pawl.reading_claims()"


def access(machine: Machine, versions: tuple[int, ...]) -> Sql:
    """The script; `versions` are all that are deployed, the current one first."""
    public = tuple((literal(n), sql("i.{}", ident(machine.column_of(n)))) for n in machine.public)
    columns = (*PUBLIC, *map(machine.column_of, machine.public))
    rule = machine.authorize.read
    view = Access(
        schema=ident(machine.schema),
        newest_first=versions,
        context=Sql(fit(build_object(public), 4, len("|| jsonb_build_object('context', "))),
        columns=join(",\n  ", [ident(name) for name in columns]),
        source=sql("-- no rule admits a client") if rule is None else _comment(rule),
        rule=sql("false") if rule is None else reading(machine, rule),
    )
    return fill("access", view)


def reading(machine: Machine, rule: Expression) -> Sql:
    """The read rule as a condition on a row of the instance table.

    A column is named with its schema and table, so that no table of a subquery can capture it.
    """
    row = ident(machine.schema, "instance")

    def name(ref: Ref) -> str:
        match ref.space:
            case "claims":
                return f"(select {_CLAIMS})"
            case "now":
                return "(select pawl.reading_now())"
            case "in_state":
                return f"pawl.in_state({row}.state, {literal(ref.name)})"
            case "self" if ref.name == "machine":
                return literal(machine.name)
            case "context":
                return f"{row}.{ident(machine.column_of(ref.name))}"
            case _:
                return f"{row}.{ident(ref.name)}"

    return Sql(_once(rule, name))


def _once(rule: Expression, name: names.Namer) -> str:
    """The rule as text, claims looked into once a statement wherever that is surely the same."""
    text, rest = "", list(rule.parts)
    while rest:
        part = rest.pop(0)
        if isinstance(part, str):
            text += part
            continue
        behind = rest[0] if rest and isinstance(rest[0], str) else ""
        found = _lookup(text, behind) if part.space == "claims" else None
        if found is None:
            text += name(part)
            continue
        text, once, length = found
        text += once
        rest[0] = behind[length:]
    return text


def _lookup(before: str, behind: str) -> tuple[str, str, int] | None:
    """A look into the claims: what stands before it, itself, how much of `behind` it takes.

    >>> _lookup("", "->>'sub' = ")
    ('', "(select pawl.reading_claims()->>'sub')", 8)
    >>> _lookup("x = (", "->>'sub')::uuid and y")
    ('x = ', "(select (pawl.reading_claims()->>'sub')::uuid)", 15)
    >>> _lookup("a || ", "->>'sub'") is None, _lookup("", "->>'n'::text || 'x'") is None
    (True, True)
    """
    keys = _KEYS.match(behind)
    if keys is None or _BEFORE.search(before) is None:
        return None
    cast = _CAST.match(behind, keys.end())
    outside = before.rstrip()
    if cast is not None and outside.endswith("("):
        outer = before[: len(outside) - 1]
        if _BEFORE.search(outer) and _AFTER.match(behind, cast.end()):
            once = f"(select ({_CLAIMS}{behind[: cast.end()]})"
            return outer, once, cast.end()
    if _AFTER.match(behind, keys.end()) is None:
        return None
    return before, f"(select {_CLAIMS}{keys.group()})", keys.end()


def _comment(rule: Expression) -> Sql:
    span = rule.source.span
    return Sql(f"-- {span.file}:{span.start.line}  authorize read")
