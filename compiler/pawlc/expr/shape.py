"""What an expression may be made of: an allow-list of SQL's constructs.

In: a node and its surroundings. Out: complaints (PW305 tables, PW307 constructs, PW309 aliases).
Names in scope are not its business (`expr.lookup`).
"""

from collections.abc import Iterator

from pglast import ast, enums

from pawlc.diagnostics import Diagnostic
from pawlc.expr import functions
from pawlc.expr.parse import Lexed
from pawlc.expr.walk import Seen, alias
from pawlc.source import Span

# Names that generated code gives its own records and schema; see `names.plpgsql_name`.
RESERVED_ALIASES = frozenset(
    {"context", "event", "self", "sender", "claims", "now", "guards", "params", "old", "pawl"}
)

ALLOWED: tuple[type[ast.Node], ...] = (
    *(ast.A_ArrayExpr, ast.A_Const, ast.A_Expr, ast.A_Indices, ast.A_Indirection, ast.A_Star),
    *(ast.Alias, ast.BitString, ast.BoolExpr, ast.Boolean, ast.BooleanTest, ast.CaseExpr),
    *(ast.CaseWhen, ast.CoalesceExpr, ast.CollateClause, ast.ColumnDef, ast.ColumnRef),
    *(ast.CommonTableExpr, ast.CTECycleClause, ast.CTESearchClause, ast.Float, ast.FuncCall),
    *(ast.GroupingFunc, ast.GroupingSet, ast.Integer, ast.JoinExpr, ast.MinMaxExpr),
    *(ast.NamedArgExpr, ast.NullTest, ast.RangeFunction, ast.RangeSubselect, ast.RangeVar),
    *(ast.ResTarget, ast.RowExpr, ast.SelectStmt, ast.SortBy, ast.String, ast.SubLink),
    *(ast.TypeCast, ast.TypeName, ast.WindowDef, ast.WithClause, ast.XmlExpr, ast.XmlSerialize),
    *(ast.JsonAggConstructor, ast.JsonArgument, ast.JsonArrayAgg, ast.JsonArrayConstructor),
    *(ast.JsonArrayQueryConstructor, ast.JsonBehavior, ast.JsonFormat, ast.JsonFuncExpr),
    *(ast.JsonIsPredicate, ast.JsonKeyValue, ast.JsonObjectAgg, ast.JsonObjectConstructor),
    *(ast.JsonOutput, ast.JsonParseExpr, ast.JsonReturning, ast.JsonScalarExpr),
    *(ast.JsonSerializeExpr, ast.JsonValueExpr),
)

# What Postgres calls some of the others.
CALLED: dict[type[ast.Node], str] = {
    ast.ParamRef: "a parameter (`$1`)",
    ast.LockingClause: "a lock (`for update`)",
    ast.IntoClause: "`into`",
    ast.InsertStmt: "an `insert`",
    ast.UpdateStmt: "an `update`",
    ast.DeleteStmt: "a `delete`",
    ast.MergeStmt: "a `merge`",
    ast.SetToDefault: "`default`",
    ast.CurrentOfExpr: "`current of`",
    ast.RangeTableSample: "`tablesample`",
    ast.RangeTableFunc: "`xmltable`",
    ast.JsonTable: "`json_table`",
}
HINTS: dict[type[ast.Node], str] = {
    ast.LockingClause: "reading must not wait for other writers",
    ast.ParamRef: "write the name: `context.…`, `event.…`",
    ast.InsertStmt: functions.EFFECT,
    ast.UpdateStmt: functions.EFFECT,
    ast.DeleteStmt: functions.EFFECT,
    ast.MergeStmt: functions.EFFECT,
    ast.RangeTableSample: functions.CONTEXT,
}
STALE_WORDS = frozenset({"now", "today", "tomorrow", "yesterday"})
TIMES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz"})


def refusals(seen: Seen, lexed: Lexed) -> Iterator[Diagnostic]:
    """The complaints about one node."""
    node, span = seen.node, lexed.text.at(seen.offset, _length(lexed, seen.offset))
    match node:
        case ast.SQLValueFunction():
            yield _value_function(node, span)
        case ast.FuncCall():
            yield from _call(node, seen, span)
        case ast.JsonObjectAgg() | ast.JsonArrayAgg() if not seen.query.inside:
            yield _refuse("an aggregate has no rows here", span, functions.ONE_ROW)
        case ast.SubLink():
            yield from _sublink(node, span)
        case ast.RangeVar():
            yield from _table(node, seen, span)
            yield from _alias(node, span)
        case ast.RangeFunction() | ast.RangeSubselect() | ast.JoinExpr():
            yield from _alias(node, span)
        case ast.CommonTableExpr() if node.ctename in RESERVED_ALIASES:
            yield _reserved(node.ctename, span)
        case ast.TypeName():
            yield from _type(node, span)
        case ast.TypeCast():
            yield from _cast(node, span)
        case ast.A_Expr():
            yield from _operator(node, span)
        case ast.CollateClause():
            yield from _schema(node.collname, span)
        case _ if isinstance(node, ALLOWED):
            return
        case _:
            message = f"{CALLED.get(type(node), 'this')} cannot stand in an expression"
            yield _refuse(message, span, HINTS.get(type(node)))


def call_name(node: ast.FuncCall) -> tuple[str | None, str]:
    """The schema (or None) and the name of a called function."""
    *schema, name = (str(part.sval) for part in node.funcname or ())
    return ".".join(schema) or None, name


def _call(node: ast.FuncCall, seen: Seen, span: Span) -> Iterator[Diagnostic]:
    schema, name = call_name(node)
    if problem := functions.forbidden_function(schema, name, span):
        yield problem
        return
    if name == "age" and schema in (None, "pg_catalog") and len(node.args or ()) == 1:
        yield _refuse("`age` of one value reads the clock", span, "write `age(now, …)`")
    if seen.query.inside:
        return
    if schema in (None, "pg_catalog") and (problem := functions.many_rows(name, span)):
        yield problem
    elif any((node.agg_star, node.agg_distinct, node.agg_order, node.agg_filter, node.over)):
        yield _refuse("an aggregate has no rows here", span, functions.ONE_ROW)
    elif node.agg_within_group:
        yield _refuse("an ordered-set aggregate has no rows here", span, functions.ONE_ROW)


def _value_function(node: ast.SQLValueFunction, span: Span) -> Diagnostic:
    name = (
        enums.SQLValueFunctionOp(node.op or 0)
        .name.removeprefix("SVFOP_")
        .removesuffix("_N")
        .lower()
    )
    if any(word in name for word in ("date", "time")):
        cast = {"current_date": "::date", "current_time": "::timetz", "localtime": "::time"}
        hint = f"write `now{cast.get(name, '')}`: one timestamp for the whole macrostep"
        return _refuse(f"`{name}` is the transaction's clock", span, hint)
    return _refuse(f"`{name}` tells of the session", span, functions.CLAIMS)


def _sublink(node: ast.SubLink, span: Span) -> Iterator[Diagnostic]:
    """A query that gives a value has one column, and says which."""
    kinds = (enums.SubLinkType.EXPR_SUBLINK, enums.SubLinkType.ARRAY_SUBLINK)
    select = node.subselect
    while isinstance(select, ast.SelectStmt) and select.larg is not None:
        select = select.larg
    if node.subLinkType not in kinds or not isinstance(select, ast.SelectStmt):
        return
    rows = select.valuesLists or (select.targetList or (),)
    columns: tuple[ast.Node, ...] = rows[0]
    if len(columns) != 1:
        message = f"a query used as a value has one column, not {len(columns)}"
        yield _refuse(message, span)
    elif isinstance(columns[0], ast.ResTarget) and _is_star(columns[0].val):
        yield _refuse("a query used as a value names its column", span, "`*` may become several")


def _is_star(node: ast.Node | None) -> bool:
    return isinstance(node, ast.ColumnRef) and isinstance((node.fields or ())[-1], ast.A_Star)


def _table(node: ast.RangeVar, seen: Seen, span: Span) -> Iterator[Diagnostic]:
    name, schema = str(node.relname), node.schemaname
    if node.catalogname is not None:
        yield _refuse("another database cannot be read", span)
    elif schema is None:
        if name not in seen.query.ctes:
            message = f"the table `{name}` lacks its schema"
            hint = f"write `public.{name}`, or where it is: a caller's table must never answer"
            yield Diagnostic("PW305", message, span, hint=hint)
    elif reason := functions.forbidden_schema(schema):
        hint = None
        if schema.startswith("pawl"):
            hint = "an instance reads its own context, and hears of others by events"
        yield Diagnostic("PW305", f"`{schema}.{name}` {reason}", span, hint=hint)
    elif schema.startswith("pg_") or schema == "information_schema":
        message = f"`{schema}.{name}` is the server's own: read your tables"
        yield Diagnostic("PW305", message, span)


def _alias(node: ast.Node, span: Span) -> Iterator[Diagnostic]:
    names = [alias(node)]
    if isinstance(node, ast.JoinExpr) and node.join_using_alias is not None:
        names.append(node.join_using_alias.aliasname)
    for name in names:
        if name in RESERVED_ALIASES:
            yield _reserved(name, span)


def _reserved(name: str, span: Span) -> Diagnostic:
    message = f"`{name}` cannot name a table here: it has a meaning of its own"
    return Diagnostic("PW309", message, span, hint=f"give it another alias: `as {name[0]}`")


def _type(node: ast.TypeName, span: Span) -> Iterator[Diagnostic]:
    if node.pct_type:
        yield _refuse("`%type` is not supported", span, "write the type itself")
    if node.setof:
        yield _refuse("`setof` is not the type of a value", span)
    yield from _schema(node.names, span)


def _schema(names: tuple[ast.Node, ...] | None, span: Span) -> Iterator[Diagnostic]:
    """The complaint about a type, operator or collation of a schema that is not to be named."""
    parts = [str(part.sval) for part in names or () if isinstance(part, ast.String)]
    if len(parts) > 1 and (reason := functions.forbidden_schema(parts[0])):
        yield _refuse(f"`{'.'.join(parts)}` {reason}", span)


def _cast(node: ast.TypeCast, span: Span) -> Iterator[Diagnostic]:
    """`'now'::timestamptz` is worked out once, when Postgres first reads the function."""
    names = (node.typeName.names if node.typeName else None) or ()
    type_ = str(names[-1].sval) if names else ""
    match node.arg:
        case ast.A_Const(val=ast.String(sval=str(word))) if type_ in TIMES:
            if word.strip().lower() in STALE_WORDS:
                cast = f"`now::{type_}`" if word.strip().lower() == "now" else "`now`"
                yield _refuse(f"`'{word}'` as a {type_} never moves on", span, f"write {cast}")
        case _:
            return


def _operator(node: ast.A_Expr, span: Span) -> Iterator[Diagnostic]:
    yield from _schema(node.name, span)
    name = node.name[-1].sval if node.name else ""
    if node.kind != enums.A_Expr_Kind.AEXPR_OP:
        return
    if name == "==":
        yield _refuse("`==` is no operator of SQL", span, "SQL compares with `=`")
    elif name in ("=", "<>") and (_is_null(node.lexpr) or _is_null(node.rexpr)):
        test = "is null" if name == "=" else "is not null"
        yield _refuse(f"`{name} null` is never true", span, f"write `{test}`")


def _is_null(node: object) -> bool:
    return isinstance(node, ast.A_Const) and bool(node.isnull)


def _refuse(message: str, span: Span, hint: str | None = None) -> Diagnostic:
    return Diagnostic("PW307", message, span, hint=hint)


def _length(lexed: Lexed, offset: int) -> int:
    """The length of the word that begins at an offset, with what qualifies it."""
    index = lexed.token(offset)
    tokens = iter(lexed.tokens[index : index + 8])
    first = next(tokens, None)
    if first is None or first.start != offset:
        return 1
    end = first.end
    for dot, name in zip(tokens, tokens, strict=False):
        if dot.name != "ASCII_46":
            break
        end = name.end
    return int(end) - offset + 1
