"""SQL expressions: what they may be, what their names mean, where they are wrong."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawlc.expr.names import place, plpgsql_name, render
from pawlc.expr.scope import EventScope, Scope
from pawlc.expr.sql import resolve
from pawlc.model.machine import Expression, Ref
from tests.compiler.expr.scalars import DONE, ERROR, SCOPE, pointed, scalar


def resolved(value: str, scope: Scope = SCOPE) -> Expression:
    expression, problems = resolve(scalar(value), scope)
    assert expression is not None, problems
    assert problems == ()
    return expression


def rendered(value: str, scope: Scope = SCOPE) -> str:
    return render(resolved(value, scope), plpgsql_name)


def refused(value: str, scope: Scope = SCOPE, *, quoted: bool = False) -> list[tuple[str, str]]:
    """The codes of the complaints and what each points at."""
    text = scalar(value, quoted=quoted)
    expression, problems = resolve(text, scope)
    assert expression is None
    assert problems
    return [(problem.code, pointed(text, problem)) for problem in problems]


def hint(value: str, scope: Scope = SCOPE, *, quoted: bool = False) -> str:
    _, problems = resolve(scalar(value, quoted=quoted), scope)
    return problems[0].hint or ""


@pytest.mark.parametrize(
    ("written", "generated"),
    [
        ("context.total > 10", "context.total > 10"),
        ("CONTEXT . Total > 10", "context.total > 10"),
        ('context."end"', 'context."end"'),
        ("context.customerId", 'context."customerId"'),
        ("context.asked[1]", "context.asked[1]"),
        ("claims->>'sub'", "self.claims->>'sub'"),
        ("now + interval '1 day'", "self.now + interval '1 day'"),
        ("self.id || self.version", "self.id || self.version"),
        ("event.type", "event.type"),
        ("event.reason", "event.reason"),
        ("not in_state( 'kitchen.cooking' )", "not pawl.in_state(self.state, 'kitchen.cooking')"),
        ("$$no answer$$", "$$no answer$$"),
        ("'é' || event.reason", "'é' || event.reason"),
        ("E'\\n' || event.reason", "E'\\n' || event.reason"),
        ("  null\n", "null"),
    ],
)
def test_scope_names_become_references_and_the_rest_stays(written: str, generated: str) -> None:
    assert rendered(written) == generated


@pytest.mark.parametrize(
    ("scope", "written", "generated"),
    [
        (DONE, "event.output.courier_id", "event.output_courier_id"),
        (DONE, "event.output", "event.output"),
        (ERROR, "event.error", "event.error"),
        (ERROR, "event.error.message", "(event.error ->> 'message')"),
        (ERROR, "event.error.attempts + 1", "(event.error ->> 'attempts')::integer + 1"),
        (ERROR, "event.error.data", "(event.error -> 'data')"),
        (EventScope(causes=("x",), has_data=True), "event.data->>'a'", "event.data->>'a'"),
    ],
)
def test_output_error_and_data_have_names_of_their_own(
    scope: EventScope, written: str, generated: str
) -> None:
    assert rendered(written, replace(SCOPE, event=scope)) == generated


def test_parts_and_their_types_are_data() -> None:
    expression = resolved("event.reason = 'x' and context.total > 1")
    assert expression.parts == (
        Ref("event", "reason"),
        " = 'x' and ",
        Ref("context", "total", 23),
        " > 1",
    )
    assert [ref.type for ref in expression.refs()] == ["text", "numeric(10,2)"]


@pytest.mark.parametrize("written", ["true", "42", "'a'::text", "interval '5 minutes' * 2", "null"])
def test_what_reads_and_calls_nothing_is_literal(written: str) -> None:
    assert resolved(written).literal


@pytest.mark.parametrize("written", ["now", "context.total", "lower('A')", "(select 1)"])
def test_what_reads_or_calls_is_not_literal(written: str) -> None:
    assert not resolved(written).literal


def test_guards_and_parameters_are_expanded_in_parentheses() -> None:
    limit, _ = resolve(scalar("1 or 2"), SCOPE)
    assert limit is not None
    named = replace(SCOPE, params={"limit": limit}, guards={"big": resolved("context.total > 9")})
    assert rendered("not guards.big or params.limit", named) == (
        "not (context.total > 9) or (1 or 2)"
    )
    assert resolved("params.limit", named).literal
    assert refused("guards.bag", named) == [("PW312", "guards.bag")]
    assert refused("params.limt", named) == [("PW313", "params.limt")]
    assert hint("guards.bag", named) == "did you mean `guards.big`?"


def test_a_place_inside_an_expanded_guard_is_the_guards_own() -> None:
    guard, _ = resolve(scalar("context.total > foo()", line=3, column=8), SCOPE)
    assert guard is not None
    outer = resolved("true and guards.big", replace(SCOPE, guards={"big": guard}))
    sql = render(outer, plpgsql_name)
    assert str(place(outer, plpgsql_name, sql.index("foo"))) == "m.machine.yaml:3:24"
    assert str(place(outer, plpgsql_name, sql.index("true"))) == "m.machine.yaml:7:12"


def test_guards_that_grow_without_end_are_refused() -> None:
    scope = SCOPE
    for index in range(20):
        named = f"guards.g{index - 1} and guards.g{index - 1}" if index else "context.total > 1"
        expression, problems = resolve(scalar(named), scope)
        if expression is None:
            assert [p.code for p in problems] == ["PW304"]
            return
        scope = replace(scope, guards={**scope.guards, f"g{index}": expression})
    pytest.fail("a guard of a million parts was accepted")


def test_comments_vanish_and_lines_stay() -> None:
    written = "context.total -- the sum\n  > /* at least */ 10 -- ten"
    assert rendered(written) == "context.total\n  >  10"


def test_a_backslash_means_the_same_under_any_setting() -> None:
    assert rendered(r"event.reason ~ '^\d+$'") == r"event.reason ~ E'^\\d+$'"
    assert rendered(r"date'\'") == r"date E'\\'"
    assert rendered(r"$$\d$$") == r"$$\d$$"


@pytest.mark.parametrize(
    "written",
    [
        "1); drop table x --",
        "1) + (2",
        "1, 2",
        "1 from app.t",
        "1 as x",
        "select 1",
        "(select 1) union (select 2)",
        "1; select 2",
        "1 where true",
        "x = :'y'",
        "",
        "  ",
        "-- nothing",
        "f(1",
        "'open",
        "$$open",
        "(",
        "a[1",
        "a[1)",
        "1 \x00",
        "'\ud800'",
        "/* open",
    ],
)
def test_nothing_but_one_expression_is_accepted(written: str) -> None:
    assert {code for code, _ in refused(written)} == {"PW304"}


@pytest.mark.parametrize(
    "written",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "x" * 1_000_000,
        "not " * 20_000 + "true",
        "1" + "+1" * 9_999,
    ],
)
def test_what_would_exhaust_the_parser_is_refused_first(written: str) -> None:
    _, problems = resolve(scalar(written), SCOPE)
    assert [problem.code for problem in problems] == ["PW304"]


def test_deep_but_bearable_nesting_works() -> None:
    assert resolved("(" * 2_000 + "context.total" + ")" * 2_000).refs()[0].name == "total"


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("context.total ++ + ) 1", ")"),
        ("'é' || 'ü' foo", "foo"),
        ("context.total > 1\nand and true", "and"),
        ("context.total >", ">"),
        ("case when true end end", "end"),
    ],
)
def test_a_syntax_error_is_shown_where_it_is(written: str, at: str) -> None:
    assert refused(written) == [("PW304", at)]


def test_prose_gets_a_hint_how_to_write_text() -> None:
    assert "`$$no answer$$`" in hint("no answer")
    assert "YAML quotes are not SQL quotes" in hint("no answer", quoted=True)
    assert "YAML quotes are not SQL quotes" in hint("busy", quoted=True)
    assert hint("busy") == "text is written `$$busy$$`"
    assert hint('"busy"') == "double quotes mean a name in SQL: text is written `$$busy$$`"


@pytest.mark.parametrize(
    ("written", "code", "at", "says"),
    [
        ("context.totl > 1", "PW301", "context.totl", "did you mean `context.total`?"),
        ("total > 1", "PW308", "total", "did you mean `context.total`?"),
        ("reasn", "PW308", "reasn", "did you mean `event.reason`?"),
        ("event.reasn", "PW302", "event.reasn", "did you mean `event.reason`?"),
        ("event.prep_minutes", "PW303", "event.prep_minutes", "`reject` lacks it"),
        ("event.size", "PW311", "event.size", "declare it alike"),
        ("event.data", "PW302", "event.data", "declared: `event.reason`"),
        ("event.output", "PW302", "event.output", ""),
        ("event.error.message", "PW302", "event.error.message", ""),
        ("self.idd", "PW308", "self.idd", "did you mean `self.id`?"),
        ("self.state", "PW308", "self.state", "self has `id`"),
        ("claims.sub", "PW308", "claims.sub", "`claims->>'sub'`"),
        ("context", "PW308", "context", "name a field"),
        ("to_jsonb(event)", "PW308", "event", "name a field"),
        ("context.*", "PW308", "context.*", "name a field"),
        ("context.total.x", "PW308", "context.total.x", "write `(context.total).x`"),
        ("contxt.total", "PW308", "contxt.total", "did you mean `context.total`?"),
        ("old.total", "PW308", "old.total", ""),
        ("in_state('kitchen')", "PW314", "in_state('kitchen')", "did you mean `kitchen.cooking`?"),
        ("in_state(event.reason)", "PW314", "in_state(event.reason)", "as it stands"),
    ],
)
def test_an_unknown_name_is_pointed_at_with_what_was_meant(
    written: str, code: str, at: str, says: str
) -> None:
    assert refused(written) == [(code, at)]
    assert says in hint(written)


def test_several_complaints_come_at_once_in_the_order_of_the_text() -> None:
    assert refused("foo > bar\n  and context.x = random()") == [
        ("PW308", "foo"),
        ("PW308", "bar"),
        ("PW301", "context.x"),
        ("PW306", "random"),
    ]


def test_what_a_place_does_not_offer_is_unknown_there() -> None:
    bare = Scope(context=SCOPE.context, claims=False, now=False, self=False)
    for written in ("now", "claims->>'a'", "self.id", "event.type"):
        assert [code for code, _ in refused(written, bare)] == ["PW308"]


@pytest.mark.parametrize(
    "written",
    [
        "exists (select from app.stock where sku = event.reason)",
        "exists (select from app.stock s where s.now < now and s.org = self.id)",
        "(select count(*) from app.a join app.b using (id) where a.x = b.y)",
        "(select a.id from unnest(context.asked) as a (id) order by a.id limit 1)",
        "(with recent as (select x from app.t) select max(x) from recent)",
        "(select x from app.t union select y from app.u order by x limit 1)",
        "context.total = any (select t.total from app.t)",
        "(select (select u.x from app.u where u.id = t.id) from app.t limit 1)",
        "(select app.t.x from app.t limit 1)",
        "(values (1))",
        "exists (select * from app.t)",
        "(select row_number() over (order by x) from app.t limit 1)",
    ],
)
def test_queries_of_ones_own_tables_are_allowed(written: str) -> None:
    rendered(written)


def test_our_names_inside_a_query_stay_ours() -> None:
    written = "(select t.now from app.t where t.now < now and claims->>'x' = t.claims)"
    assert rendered(written) == (
        "(select t.now from app.t where t.now < self.now and self.claims->>'x' = t.claims)"
    )


def test_a_column_called_like_a_field_is_qualified_lest_the_field_take_its_place() -> None:
    assert rendered("exists (select from app.m where total = context.total and x = 1)") == (
        "exists (select from app.m where m.total = context.total and x = 1)"
    )
    assert rendered('(select reason from app.m as "M" where id = self.id order by total)') == (
        '(select "M".reason from app.m as "M" where "M".id = self.id order by total)'
    )
    assert refused("exists (select from app.a, app.b where total = context.total)") == [
        ("PW308", "total")
    ]
    assert refused("exists (select from app.a where exists (select from app.b where total = 1))")
    assert rendered("exists (select from app.a join app.b using (id) where id = 1)")
    assert rendered("(select total from unnest(context.asked) as total)") == (
        "(select total from unnest(context.asked) as total)"
    )


RESERVED = ["context", "event", "self", "claims", "now", "guards", "params", "old", "pawl"]


@pytest.mark.parametrize("name", RESERVED)
def test_no_table_can_capture_a_scope_name(name: str) -> None:
    for source in (
        f"app.t as {name}",
        f"app.{name}",
        f"(select 1 as x) {name}",
        f"app.{name}(1)",
        f"unnest(context.asked) {name}",
        f"(app.a join app.b on true) as {name}",
        f"app.a join app.b using (id) as {name}",
        f"app.a, lateral app.f(a.x) as {name}",
    ):
        codes = {code for code, _ in refused(f"exists (select from {source})")}
        assert "PW309" in codes, source
    codes = {code for code, _ in refused(f"exists (with {name} as (select 1) select from {name})")}
    assert "PW309" in codes


@pytest.mark.parametrize(
    ("written", "code", "at"),
    [
        ("exists (select from stock)", "PW305", "stock"),
        ("exists (select from pg_temp.stock)", "PW305", "pg_temp.stock"),
        ("exists (select from pawl.outbox)", "PW305", "pawl.outbox"),
        ("exists (select from pawl_order.instance)", "PW305", "pawl_order.instance"),
        ("exists (select from pg_catalog.pg_settings)", "PW305", "pg_catalog.pg_settings"),
        ("exists (select from information_schema.tables)", "PW305", "information_schema.tables"),
        ("exists (select from other.app.t)", "PW307", "other.app.t"),
        ("exists (with a as (select 1) select from b)", "PW305", "b"),
        ("(select u.x from app.t limit 1)", "PW308", "u.x"),
        ("(select x)", "PW308", "x"),
        ("(select self from app.t)", "PW308", "self"),
        ("(select x, y from app.t)", "PW307", "("),
        ("(select * from app.t)", "PW307", "("),
        ("(table app.t)", "PW307", "("),
        ("(select x from app.t for update)", "PW307", "("),
        ("exists (with d as (delete from app.t returning 1) select from d)", "PW307", "d"),
        ("(select 1 from app.t tablesample system (1))", "PW307", "system"),
    ],
)
def test_a_query_reads_qualified_tables_and_nothing_else(written: str, code: str, at: str) -> None:
    assert refused(written) == [(code, at)]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("$1", "PW307"),
        ("(select x into y from app.t)", "PW307"),
        ("default", "PW307"),
        ("now()", "PW307"),
        ("pg_catalog.now()", "PW307"),
        ("current_timestamp", "PW307"),
        ("current_date", "PW307"),
        ("localtime(0)", "PW307"),
        ("'now'::timestamptz", "PW307"),
        ("timestamp 'today'", "PW307"),
        ("age(context.end)", "PW307"),
        ("clock_timestamp()", "PW306"),
        ("timeofday()", "PW306"),
        ("random()", "PW306"),
        ("current_user", "PW307"),
        ("session_user", "PW307"),
        ("user", "PW307"),
        ("current_role", "PW307"),
        ("current_schema", "PW307"),
        ("current_setting('request.jwt.claims')", "PW307"),
        ("set_config('a', 'b', true)", "PW307"),
        ("pg_sleep(1)", "PW307"),
        ("pg_sleep_for('1 s')", "PW307"),
        ("nextval('app.s')", "PW307"),
        ("lo_import('/etc/passwd')", "PW307"),
        ("pg_read_file('/etc/passwd')", "PW307"),
        ("pg_ls_dir('.')", "PW307"),
        ("pg_advisory_lock(1)", "PW307"),
        ("extensions.dblink('x', 'y')", "PW307"),
        ("query_to_xml('select 1', true, true, '')", "PW307"),
        ("database_to_xml(true, true, '')", "PW307"),
        ("has_table_privilege('app.t', 'select')", "PW307"),
        ("pawl.now()", "PW307"),
        ("pawl_order.v1_send(1)", "PW307"),
        ("pg_temp.f(1)", "PW307"),
        ("1::pg_temp.t", "PW307"),
        ("1 operator(pg_temp.+) 2", "PW307"),
        ("count(*)", "PW307"),
        ("sum(context.total)", "PW307"),
        ("app.median(context.total) filter (where true)", "PW307"),
        ("row_number() over ()", "PW307"),
        ("unnest(context.asked)", "PW307"),
        ("generate_series(1, 3)", "PW307"),
        ("context.total = null", "PW307"),
        ("context.total == 1", "PW307"),
        ("U&'x'", "PW307"),
        ("xmltable('/a' passing null columns x int)", "PW304"),
    ],
)
def test_forbidden_constructs_are_refused(written: str, code: str) -> None:
    assert [code for code, _ in refused(written)] == [code]


def test_hints_name_what_to_write_instead() -> None:
    assert "write `now`" in hint("now()")
    assert "write `now::date`" in hint("current_date")
    assert "write `claims`" in hint("current_user")
    assert "write `claims`" in hint("current_setting('request.jwt.claims')")
    assert "`is null`" in hint("context.total = null")
    assert "parentheses" in hint("select 1")


def test_a_fresh_identifier_may_be_made() -> None:
    assert rendered("gen_random_uuid()") == "gen_random_uuid()"


def test_functions_of_ones_own_are_called_with_their_schema() -> None:
    assert rendered("app.now(context.total)") == "app.now(context.total)"


TOKENS = st.sampled_from(
    [
        *("context.total", "event.reason", "now", "claims", "self.id", "total", "(", ")", "[", "]"),
        *("select", "from", "app.t", "where", "and", "not", "+", "->>", "'x'", "$$y$$", "1", ","),
        *("--", "/*", "*/", "\n", ";", "'", '"', "$$", "\\", "é", "case", "when", "then", "end"),
        *("::text", "in", "exists", "as", "context", "null", "=", "u&'", "e'", "\x00"),
    ]
)


@given(st.lists(TOKENS, max_size=12).map(" ".join))
def test_any_text_gives_an_expression_or_complaints(written: str) -> None:
    expression, problems = resolve(scalar(written), SCOPE)
    assert (expression is None) == bool(problems)
    if expression is not None:
        again, problems = resolve(scalar(render(expression, lambda ref: "true")), Scope())
        assert again is not None, problems


@given(st.text(max_size=40))
def test_any_characters_give_an_expression_or_complaints(written: str) -> None:
    expression, problems = resolve(scalar(written), SCOPE)
    assert (expression is None) == bool(problems)
