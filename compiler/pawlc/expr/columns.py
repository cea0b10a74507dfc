"""One SQL column definition: `numeric(10,2) not null check (total > 0)`.

In: a field's name and definition. Out: a `Column` of the model, its type kept as it was written,
its default and checks resolved like any expression; or what is wrong with it (PW310 what a field
may not be, the codes of `sql` for what stands in its expressions).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from pglast import ast, enums

from pawlc.diagnostics import Diagnostic, in_order
from pawlc.expr.functions import forbidden_schema
from pawlc.expr.parse import CLOSING, COLUMN, OPENING, Lexed, lex, parse_column, part
from pawlc.expr.scope import Scope
from pawlc.expr.shape import ALLOWED, refusals
from pawlc.expr.sql import resolve
from pawlc.expr.walk import nodes
from pawlc.model.machine import Check, Column, Expression
from pawlc.source import Span, Text

Space = Literal["context", "event", "output"]

SERIAL = frozenset({"serial", "smallserial", "bigserial", "serial2", "serial4", "serial8"})
PSEUDO = frozenset(
    [
        "any",
        "anyarray",
        "anycompatible",
        "anycompatiblearray",
        "anycompatiblemultirange",
        "anycompatiblenonarray",
        "anycompatiblerange",
        "anyelement",
        "anyenum",
        "anymultirange",
        "anynonarray",
        "anyrange",
        "cstring",
        "event_trigger",
        "fdw_handler",
        "index_am_handler",
        "internal",
        "language_handler",
        "pg_ddl_command",
        "record",
        "table_am_handler",
        "trigger",
        "tsm_handler",
        "unknown",
        "void",
    ]
)
"""Types of arguments and results only (Postgres, chapter Pseudo-Types)."""

ACTIONS = {"c": "cascade", "n": "set null", "d": "set default"}
DEFERRING = "a rule that waits for the commit fails where no transition can be named"

REFUSED: dict[enums.ConstrType, tuple[str, str]] = {
    enums.ConstrType.CONSTR_IDENTITY: (
        "a field is no identity column",
        "the instance has an id: `self.id`; a counter is a field that an `assign` adds to",
    ),
    enums.ConstrType.CONSTR_GENERATED: (
        "a field is not generated",
        "`assign` it, or compute it where it is read",
    ),
    enums.ConstrType.CONSTR_PRIMARY: (
        "a field is no primary key",
        "an instance is known by its id",
    ),
    enums.ConstrType.CONSTR_UNIQUE: (
        "a field cannot be unique",
        "only ids are unique over all instances: make it the id, or another machine's",
    ),
    enums.ConstrType.CONSTR_ATTR_DEFERRABLE: ("a field's rules are not deferred", DEFERRING),
    enums.ConstrType.CONSTR_ATTR_DEFERRED: ("a field's rules are not deferred", DEFERRING),
    enums.ConstrType.CONSTR_ATTR_NOT_ENFORCED: (
        "a rule that is not enforced says nothing",
        "leave out `not enforced`",
    ),
}
# What is so anyway.
SILENT = frozenset(
    {
        enums.ConstrType.CONSTR_NULL,
        enums.ConstrType.CONSTR_ATTR_NOT_DEFERRABLE,
        enums.ConstrType.CONSTR_ATTR_IMMEDIATE,
        enums.ConstrType.CONSTR_ATTR_ENFORCED,
    }
)


@dataclass(slots=True)
class _Found:
    """What the clauses of one definition say, as they are read."""

    not_null: bool = False
    default: Expression | None = None
    checks: list[Check] = field(default_factory=list)
    references: str | None = None
    problems: list[Diagnostic] = field(default_factory=list)


def column(
    name: Text, definition: Text, space: Space, fields: Iterable[str]
) -> tuple[Column | None, tuple[Diagnostic, ...]]:
    """Read a field's definition.

    `space` tells what the field belongs to: the context, an event's payload, an effect's output.
    `fields` are the names of all fields beside it, its own included: a check may name them bare.
    """
    lexed, problems = lex(definition, "definition")
    if lexed is None:
        return None, problems
    tree, problems = parse_column(lexed)
    if tree is None:
        return None, problems
    found = _Found()
    reader = _Reader(lexed, tree, space, _bare(space, fields))
    found.problems += reader.outside()
    for clause in tree.constraints or ():
        reader.clause(clause, found)
    if found.problems:
        return None, in_order(tuple(found.problems))
    made = Column(
        name=name.value,
        type=reader.type(),
        not_null=found.not_null,
        default=found.default,
        checks=tuple(found.checks),
        references=found.references,
        source=definition,
        collate=reader.collation(),
    )
    return made, ()


def _bare(space: Space, fields: Iterable[str]) -> dict[str, tuple[str, str]]:
    if space == "output":
        return {name: ("event", f"output.{name}") for name in fields}
    return {name: (space, name) for name in fields}


@dataclass(frozen=True, slots=True)
class _Reader:
    """A definition: its tokens, its tree, and the names that its checks may use."""

    lexed: Lexed
    tree: ast.ColumnDef
    space: Space
    bare: dict[str, tuple[str, str]]

    def type(self) -> str:
        """The type as written, on one line."""
        return _one_line(self.lexed.masked[: self._end(0)])

    def collation(self) -> str | None:
        """What follows COLLATE."""
        clause = self.tree.collClause
        if clause is None or clause.location is None:
            return None
        start = clause.location - len(COLUMN)
        return _one_line(self.lexed.masked[start + len("collate") : self._end(start + 1)])

    def outside(self) -> Iterator[Diagnostic]:
        """The complaints about everything but the constraints."""
        tree, text = self.tree, self.lexed.text
        for node in (tree.typeName, tree.collClause):
            for seen in nodes(node, len(COLUMN), ALLOWED) if node is not None else ():
                yield from refusals(seen, self.lexed)
        names = [name.sval for name in (tree.typeName.names if tree.typeName else None) or ()]
        if names and names[-1] in SERIAL:
            yield self._refuse("a field is no serial column", 0, "write `int` or `bigint`")
        elif names and names[-1] in PSEUDO and names[:-1] in ([], ["pg_catalog"]):
            message = f"`{names[-1]}` is a pseudo-type, and no column can have one"
            yield self._refuse(message, 0, "declare a field for each of its parts, or use jsonb")
        for clause, called in (
            (tree.storage_name, "storage"),
            (tree.compression, "compression"),
            (tree.fdwoptions, "options"),
        ):
            if clause:
                message = f"`{called}` does not belong to a field"
                yield Diagnostic("PW310", message, text.span, hint="set it on the table")

    def clause(self, clause: ast.Constraint, found: _Found) -> None:
        """Read one constraint."""
        start = (clause.location or 0) - len(COLUMN)
        kind = enums.ConstrType(clause.contype or 0)
        if clause.conname and kind is not enums.ConstrType.CONSTR_CHECK:
            hint = f"leave out `constraint {clause.conname}`"
            found.problems.append(self._refuse("only a check has a name here", start, hint))
        if clause.is_no_inherit:
            hint = "leave out `no inherit`"
            found.problems.append(self._refuse("no table inherits from an instance", start, hint))
        match kind:
            case enums.ConstrType.CONSTR_NOTNULL:
                found.not_null = True
            case enums.ConstrType.CONSTR_DEFAULT:
                self._default(clause, start, found)
            case enums.ConstrType.CONSTR_CHECK:
                self._check(clause, start, found)
            case enums.ConstrType.CONSTR_FOREIGN:
                self._references(clause, start, found)
            case kind if kind in SILENT:
                self._null(kind, start, found)
            case _:
                message, hint = REFUSED.get(kind, ("this does not belong to a field", ""))
                found.problems.append(self._refuse(message, start, hint or None))

    def _null(self, kind: enums.ConstrType, start: int, found: _Found) -> None:
        contradicted = any(
            c.contype == enums.ConstrType.CONSTR_NOTNULL for c in self.tree.constraints or ()
        )
        if kind is enums.ConstrType.CONSTR_NULL and contradicted:
            message = "a field is `null` or `not null`, not both"
            found.problems.append(self._refuse(message, start))

    def _default(self, clause: ast.Constraint, start: int, found: _Found) -> None:
        """A default stands alone: no field, no event, no clock."""
        if found.default is not None:
            found.problems.append(self._refuse("a second default", start))
        begin = self.lexed.tokens[self.lexed.token(start) + 1].start
        text = part(self.lexed.text, begin, self._end(start + 1))
        expression, problems = resolve(text, Scope(claims=False, now=False, self=False))
        found.default = expression
        found.problems += self._queries(clause)
        hint = "a default is constant; assign what depends on the time in the root's `entry:`"
        found.problems += [replace(p, hint=hint) if _on_time(p) else p for p in problems]

    def _check(self, clause: ast.Constraint, start: int, found: _Found) -> None:
        begin, end = self._parentheses(start)
        text = part(self.lexed.text, begin, end)
        scope = Scope(claims=False, now=False, self=False, bare=self.bare)
        expression, problems = resolve(text, scope, "boolean")
        found.problems += (*problems, *self._queries(clause))
        if expression is not None:
            found.checks.append(Check(clause.conname, expression))

    def _queries(self, clause: ast.Constraint) -> Iterator[Diagnostic]:
        """The complaints about queries: Postgres knows no constraint that reads a table."""
        if not isinstance(clause.raw_expr, ast.Node):
            return
        for seen in nodes(clause.raw_expr, len(COLUMN), ALLOWED):
            if isinstance(seen.node, ast.SubLink | ast.JsonArrayQueryConstructor):
                hint = "read them in a guard or an `assign`"
                yield self._refuse("a field's rules cannot read tables", seen.offset, hint)

    def _references(self, clause: ast.Constraint, start: int, found: _Found) -> None:
        table = clause.pktable
        if table is None:
            return
        begin = (table.location or 0) - len(COLUMN)
        found.references = _one_line(self.lexed.masked[begin : self._end(start + 1)])
        found.problems += self._reference_problems(clause, table, start, begin)

    def _reference_problems(
        self, clause: ast.Constraint, table: ast.RangeVar, start: int, begin: int
    ) -> Iterator[Diagnostic]:
        if self.space != "context":
            hint = "look it up in a guard: `exists (select from …)`"
            yield self._refuse("only a context field has references", start, hint)
        if table.catalogname or table.schemaname is None:
            message = f"the table `{table.relname}` lacks its schema"
            hint = f"write `public.{table.relname}`, or where it is"
            yield Diagnostic("PW305", message, self._word(begin), hint=hint)
        elif reason := forbidden_schema(table.schemaname):
            message = f"`{table.schemaname}.{table.relname}` {reason}"
            yield Diagnostic("PW305", message, self._word(begin))
        for action in dict.fromkeys((clause.fk_del_action, clause.fk_upd_action)):
            if action in ACTIONS:
                message = f"`{ACTIONS[action]}` would change an instance behind its statechart"
                hint = "write `no action` or `restrict`, or leave the clause out"
                yield self._refuse(message, start, hint)

    def _end(self, start: int) -> int:
        """The offset at which the next clause begins, or the end."""
        clauses = [*(self.tree.constraints or ()), self.tree.collClause]
        begins = [c.location - len(COLUMN) for c in clauses if c is not None and c.location]
        return min((b for b in begins if b >= start), default=len(self.lexed.masked))

    def _parentheses(self, start: int) -> tuple[int, int]:
        """The offsets of what stands in the first parentheses behind `start`."""
        depth, begin = 0, start
        for token in self.lexed.tokens[self.lexed.token(start) :]:
            if token.name in OPENING:
                begin = token.end + 1 if depth == 0 else begin
                depth += 1
            elif token.name in CLOSING:
                depth -= 1
                if depth == 0:
                    return begin, token.start
        raise AssertionError("a check has parentheses: pglast has seen them")

    def _word(self, offset: int) -> Span:
        token = self.lexed.tokens[self.lexed.token(offset)]
        return self.lexed.text.at(token.start, token.end + 1 - token.start)

    def _refuse(self, message: str, offset: int, hint: str | None = None) -> Diagnostic:
        return Diagnostic("PW310", message, self._word(offset), hint=hint)


def _on_time(problem: Diagnostic) -> bool:
    return "clock" in problem.message or "`now`" in problem.message


def _one_line(sql: str) -> str:
    """SQL as written, its lines joined.

    >>> _one_line(" numeric(10, 2)\\n ")
    'numeric(10, 2)'
    """
    return " ".join(sql.split()) if "\n" in sql else sql.strip()
