"""A function of the companion `.py` as a guard or an action.

In: the file (`companion`), the name of a function and the scope of its place. Out: the PL/Python
function that it becomes, the SQL expressions of its arguments and, of an action, the fields that it
can set (PW321 no such function, PW322 parameters, PW324 returns, PW325 what cannot run there).

Positional parameters are context fields; keyword-only ones `event` fields, `claims`, `now`. In a
migration the positional ones are fields of `old`, and only `now` is keyword-only. None stands for
null. Numbers, text, booleans, bytes and their lists arrive as Python's own, numeric as
Decimal; timestamptz, timestamp and date as datetime and date, json and claims as what they hold;
everything else, uuid and interval too, as text.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pglast import ast as sql_ast
from pglast import parse_sql

from pawlc.diagnostics import Diagnostic, in_order
from pawlc.expr.companion import Binding, Companion, companion, names_bound, needed
from pawlc.expr.lookup import Name, Word, lookup
from pawlc.expr.scope import EventScope, Scope
from pawlc.expr.walk import Query
from pawlc.model.machine import Expression, Origin, PythonFunction, Ref
from pawlc.source import Text
from pawlc.suggest import closest, did_you_mean

__all__ = ["Companion", "call", "companion", "function"]

Use = Literal["guard", "action"]


@dataclass(frozen=True, slots=True)
class Found:
    """A function and the arguments of its call; of an action, the fields that it can set, and which
    of them it sets whenever it returns."""

    made: PythonFunction
    arguments: tuple[Expression, ...]
    fields: tuple[str, ...] = ()
    certain: tuple[str, ...] = ()


# How a type travels: SQL around the argument, its type in PL/Python, Python around the parameter.
# to_char, since what a timestamp looks like otherwise is a setting of the caller's session.
ISO = '\'YYYY-MM-DD"T"HH24:MI:SS.US'
DATETIME = "_datetime.datetime.fromisoformat({0})"
TRAVEL: dict[str, tuple[str, str, str]] = {
    "timestamptz": (f"to_char({{0}} at time zone 'UTC', {ISO}\"+00:00\"')", "text", DATETIME),
    "timestamp": (f"to_char({{0}}, {ISO}')", "text", DATETIME),
    "date": ("to_char({0}, 'YYYY-MM-DD')", "text", "_datetime.date.fromisoformat({0})"),
    "jsonb": ("{0}", "jsonb", "_json.loads({0})"),
    "json": ("{0}", "json", "_json.loads({0})"),
}


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter: what it reads, and whether it is keyword-only."""

    name: str
    ref: Ref
    keyword: bool

    def travel(self) -> tuple[str, str, str]:
        """The SQL around it, its SQL type on arrival, the Python around it."""
        type = self.ref.type or "text"
        return TRAVEL.get(_scalar(type), ("{0}", type, "{0}"))


def function(
    companion: Companion,
    name: Text,
    use: Use,
    scope: Scope,
    context: Mapping[str, str],
) -> tuple[Found | None, tuple[Diagnostic, ...]]:
    """Turn one function into PL/Python; nothing is reported twice for a `broken` companion.

    `scope` says what it may read, `context` which fields it may set.
    """
    if companion.broken:
        return None, ()
    found = companion.functions().get(name.value)
    if found is None:
        hint = did_you_mean(name.value, companion.functions())
        message = f"`{companion.file}` has no function `{name.value}`"
        return None, (Diagnostic("PW321", message, name.span, hint=hint),)
    problems = list(_form_problems(companion, found))
    if isinstance(found, ast.AsyncFunctionDef) or problems:
        return None, in_order(tuple(problems))
    parameters, wrong = _parameters(companion, found, name, scope)
    statements, unfit = needed(companion, found)
    unclear = _returns(companion, found, use, context)
    hiding = _hiding(companion, found, statements)
    if problems := [*wrong, *unfit, *unclear, *hiding]:
        return None, in_order(tuple(dict.fromkeys(problems)))
    made = PythonFunction(
        name=name.value,
        parameters=tuple((p.name, p.travel()[1]) for p in parameters),
        returns="boolean" if use == "guard" else "jsonb",
        body=_body(companion, statements, name.value, parameters, use),
        span=companion.span(found, len(f"def {name.value}")),
    )
    arguments = tuple(_argument(p, name) for p in parameters)
    if use == "guard":
        return Found(made, arguments), ()
    return Found(made, arguments, *_fields(found, context)), ()


def call(qualified: str, arguments: tuple[Expression, ...], source: Text) -> Expression:
    """The call of a guard as an expression; `qualified` is the PL/Python function's name as SQL."""
    parts: list[str | Ref] = [f"{qualified}("]
    for index, argument in enumerate(arguments):
        parts += [", "] * (index > 0)
        parts += argument.parts
    parts.append(")")
    origins = (Origin(source, 0),) * len(parts)
    return Expression(source, tuple(parts), "boolean", origins=origins)


def _form_problems(
    companion: Companion, found: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[Diagnostic]:
    """A plain `def` with plain parameters."""
    span = companion.span(found, len(f"def {found.name}"))
    if isinstance(found, ast.AsyncFunctionDef):
        hint = "guards and actions cannot wait: do this in an effect"
        yield Diagnostic("PW325", f"`{found.name}` is asynchronous", span, hint=hint)
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(found)):
        yield Diagnostic("PW325", f"`{found.name}` is a generator", span, hint="use `return`")
    if found.decorator_list:
        hint = "let a plain function call the decorated one"
        yield Diagnostic("PW325", f"`{found.name}` is decorated", span, hint=hint)
    for arg in filter(None, (found.args.vararg, found.args.kwarg)):
        hint = "name each parameter: its name is what it reads"
        message = f"`{arg.arg}` stands for any number of parameters"
        yield Diagnostic("PW322", message, companion.span(arg), hint=hint)
    for default in (*found.args.defaults, *filter(None, found.args.kw_defaults)):
        hint = "every parameter is passed; null arrives as None"
        message = "a parameter has no default here"
        yield Diagnostic("PW322", message, companion.span(default), hint=hint)


def _parameters(
    companion: Companion, found: ast.FunctionDef, name: Text, scope: Scope
) -> tuple[tuple[_Parameter, ...], tuple[Diagnostic, ...]]:
    parameters: list[_Parameter] = []
    problems: list[Diagnostic] = []
    positional = [(arg, False) for arg in (*found.args.posonlyargs, *found.args.args)]
    for arg, keyword in (*positional, *((arg, True) for arg in found.args.kwonlyargs)):
        read = _keyword(companion, arg, name, scope) if keyword else _field(companion, arg, scope)
        if isinstance(read, Diagnostic):
            problems.append(read)
        else:
            parameters.append(_Parameter(arg.arg, read, keyword))
    return tuple(parameters), tuple(problems)


def _field(companion: Companion, arg: ast.arg, scope: Scope) -> Ref | Diagnostic:
    """What a positional parameter reads."""
    fields = scope.old or scope.context
    if arg.arg in fields:
        return Ref("old" if scope.old else "context", arg.arg, type=fields[arg.arg])
    event = scope.event.fields if scope.event else {}
    hint = did_you_mean(arg.arg, fields)
    if arg.arg in ("claims", "now") or arg.arg in event:
        hint = f"`{arg.arg}` is keyword-only: write it behind `*`"
    message = f"the {'old ' * bool(scope.old)}context has no field `{arg.arg}`"
    return Diagnostic("PW322", message, companion.span(arg), hint=hint)


def _keyword(companion: Companion, arg: ast.arg, name: Text, scope: Scope) -> Ref | Diagnostic:
    """What a keyword-only parameter reads: `claims`, `now`, else of the event."""
    if arg.arg == "claims" and scope.claims:
        return Ref("claims", "", type="jsonb")
    if arg.arg == "now":
        return Ref("now", "", type="timestamptz")
    if scope.old:
        message = f"in a migration there is no `{arg.arg}` to read"
        moved = f"a field of `old` is positional: write `{arg.arg}` before `*`"
        only = moved if arg.arg in scope.old else "only `now` is keyword-only here"
        return Diagnostic("PW322", message, companion.span(arg), hint=only)
    event = scope.event or EventScope()
    if arg.arg in event.output and arg.arg not in event.fields:
        return Ref("event", f"output.{arg.arg}", type=event.output[arg.arg])
    words = (Word("event", "event"), Word(arg.arg, arg.arg))
    meaning = lookup(Name(words, companion.span(arg), 0), scope, Query())
    if isinstance(meaning, Ref):
        return meaning
    message = f"the event has no field `{arg.arg}`"
    hint: str | None = f"a context field is positional: write `{arg.arg}` before `*`"
    if arg.arg not in scope.context:
        hint = meaning.hint if isinstance(meaning, Diagnostic) else None
        if meant := closest(arg.arg, (*event.fields, *event.output, "claims", "now")):
            hint = f"did you mean `{meant}`?"
    if isinstance(meaning, Diagnostic) and meaning.code in ("PW303", "PW311"):
        message, hint = meaning.message, meaning.hint
    related = ((name.span, "used here"),)
    return Diagnostic("PW322", message, companion.span(arg), hint=hint, related=related)


def _returns(
    companion: Companion, found: ast.FunctionDef, use: Use, context: Mapping[str, str]
) -> tuple[Diagnostic, ...]:
    """What is wrong with what a function returns."""
    returns = [node for node in _own(found) if isinstance(node, ast.Return)]
    span = companion.span(found, len(f"def {found.name}"))
    if use == "guard":
        if any(node.value is not None for node in returns):
            return ()
        message = f"`{found.name}` returns nothing"
        return (Diagnostic("PW324", message, span, hint="a guard returns True or False"),)
    problems = [problem for node in returns for problem in _dict_problems(companion, node, context)]
    if not _ends(found.body):
        hint = "an action returns a dict of fields on every way through it; `{}` changes nothing"
        problems.append(Diagnostic("PW324", f"`{found.name}` may return nothing", span, hint=hint))
    return tuple(problems)


def _fields(
    found: ast.FunctionDef, context: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields that an action can set, and those that it always does, in the context's order."""
    returned = [
        {key.value for key in _keys(node) if isinstance(key, ast.Constant)}
        for node in _own(found)
        if isinstance(node, ast.Return)
    ]
    can = tuple(name for name in context if any(name in keys for keys in returned))
    return can, tuple(name for name in can if all(name in keys for keys in returned))


def _keys(node: ast.Return) -> tuple[ast.expr | None, ...]:
    return tuple(node.value.keys) if isinstance(node.value, ast.Dict) else ()


def _dict_problems(
    companion: Companion, node: ast.Return, context: Mapping[str, str]
) -> Iterator[Diagnostic]:
    hint = 'write `return {"field": value}`: the fields must be known before it runs'
    if not isinstance(node.value, ast.Dict):
        yield Diagnostic("PW324", "this is not a dict literal", companion.span(node), hint=hint)
    for key in _keys(node):
        match key:
            case ast.Constant(value=str(name)) if name in context:
                pass
            case ast.Constant(value=str(name)):
                meant = did_you_mean(name, context)
                message = f"the context has no field `{name}`"
                yield Diagnostic("PW324", message, companion.span(key), hint=meant)
            case _:
                span = companion.span(key or node)
                yield Diagnostic("PW324", "this key is not known", span, hint=hint)


def _own(found: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body that are not of functions inside it."""
    pending: list[ast.AST] = list(reversed(found.body))
    inner = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, inner):
            pending += reversed(list(ast.iter_child_nodes(node)))


def _ends(body: list[ast.stmt]) -> bool:
    """Whether control never falls out of a block's end."""
    match body[-1] if body else None:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(body=then, orelse=otherwise):
            return _ends(then) and _ends(otherwise)
        case ast.With(body=inner):
            return _ends(inner)
        case ast.Try() as tried:
            main = _ends(tried.orelse or tried.body)
            return _ends(tried.finalbody) or (main and all(_ends(h.body) for h in tried.handlers))
        case ast.Match(cases=cases):
            last = cases[-1]
            total = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
            return total and last.guard is None and all(_ends(case.body) for case in cases)
        case ast.While(test=ast.Constant(value=True), body=inner):
            return not any(isinstance(n, ast.Break) for s in inner for n in ast.walk(s))
        case _:
            return False


def _hiding(
    companion: Companion, found: ast.FunctionDef, statements: tuple[Binding, ...]
) -> Iterator[Diagnostic]:
    """PL/Python's parameters are globals: a name that the body binds would hide them."""
    bound = {name for statement in statements for name in names_bound(statement)}
    for arg in (*found.args.posonlyargs, *found.args.args, *found.args.kwonlyargs):
        if arg.arg in bound:
            message = f"`{arg.arg}` is both a parameter and a name of this file"
            hint = "rename the other one"
            yield Diagnostic("PW325", message, companion.span(arg), hint=hint)


def _body(
    companion: Companion,
    statements: tuple[Binding, ...],
    name: str,
    parameters: tuple[_Parameter, ...],
    use: Use,
) -> str:
    """The PL/Python function's body: what is needed of the file, then the call.

    The function stays a function inside it, for PL/Python's own parameters are globals: assigning
    to one makes it an unbound local.
    """
    called = ", ".join(_passed(parameter) for parameter in parameters)
    result = f"{name}({called})"
    if use == "action":
        result = f"_json.dumps({result}, default=str)"
    imports = "".join(
        f"import {module} as _{module}\n"
        for module in ("datetime", "json")
        if f"_{module}." in result
    )
    imports += "\n" if imports else ""
    return f"{imports}{_joined(companion, statements)}\n\nreturn {result}\n"


def _joined(companion: Companion, statements: tuple[Binding, ...]) -> str:
    """Statements in order, a blank line around functions and classes."""
    joined = ""
    blocks = ast.FunctionDef | ast.ClassDef
    for before, statement in zip((None, *statements), statements, strict=False):
        if before is not None:
            loose = isinstance(before, blocks) or isinstance(statement, blocks)
            joined += "\n\n" if loose else "\n"
        joined += companion.text(statement)
    return joined


def _passed(parameter: _Parameter) -> str:
    """How the outer function passes a parameter on; null stays None."""
    python = parameter.travel()[2].format(parameter.name)
    if python != parameter.name:
        python = f"{parameter.name} and {python}"
    return f"{parameter.name}={python}" if parameter.keyword else python


def _argument(parameter: _Parameter, name: Text) -> Expression:
    before, _, after = parameter.travel()[0].partition("{0}")
    parts = tuple(part for part in (before, parameter.ref, after) if part != "")
    origins = (Origin(name, 0),) * len(parts)
    return Expression(name, parts, parameter.travel()[1], origins=origins)


def _scalar(type: str) -> str:
    """Postgres's own name of a type that is no array, else an empty text.

    >>> _scalar("timestamp(3) with time zone"), _scalar("timestamptz[]")
    ('timestamptz', '')
    """
    match parse_sql(f"select null::{type}")[0].stmt:
        case sql_ast.SelectStmt(
            targetList=(sql_ast.ResTarget(val=sql_ast.TypeCast(typeName=named)),)
        ) if named is not None and not named.arrayBounds:
            return str((named.names or ())[-1].sval)
        case _:
            return ""
