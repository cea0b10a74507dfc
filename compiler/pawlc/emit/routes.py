"""The routers: from a machine's name to its functions, without dynamic SQL.

Emitted at every deploy over all machines of the database. The search by name does not grow with
their number.
"""

from pawlc.emit import printer
from pawlc.lower.target import Block, Body, Branch, Call, Function, If, Parameter, Return
from pawlc.sql import Sql, ident, join, literal, sql

_CHAIN = 8

ROUTES = (
    (
        "route_send",
        "send_event",
        "jsonb",
        ("p_id text", "p_event jsonb", "p_event_id text", "p_expected_seq bigint"),
    ),
    (
        "route_create",
        "create_instance",
        "jsonb",
        ("p_id text", "p_input jsonb", "p_version integer"),
    ),
    (
        "route_create_child",
        "create_child",
        "jsonb",
        ("p_id text", "p_input jsonb", "p_parent text[]"),
    ),
    (
        "route_internal",
        "internal_event",
        "boolean",
        ("p_iid bigint", "p_name text", "p_seq bigint", "p_event jsonb"),
    ),
    (
        "route_message",
        "receive_message",
        "jsonb",
        ("p_id text", "p_event jsonb", "p_sender text[]"),
    ),
    (
        "route_invoke_live",
        "invoke_is_live",
        "boolean",
        ("p_iid bigint", "p_name text", "p_seq bigint"),
    ),
    ("route_simulate", "simulate_event", "jsonb", ("p_id text", "p_event jsonb")),
    ("route_enabled", "enabled_events", "text[]", ("p_id text",)),
    ("route_admits", "admits", "boolean", ("p_id text", "p_event jsonb")),
    ("route_iid", "find_instance", "bigint", ("p_id text",)),
    ("route_reply", "reply", "jsonb", ("p_id text",)),
    ("route_lock", "lock_instance", "bigint", ("p_id text",)),
    ("route_try_lock", "try_lock_instance", "boolean", ("p_iid bigint",)),
)
"""Router, the machine's function, what it returns, its parameters after the machine's name."""


READERS = (("read_iid", "bigint"), ("read_reply", "jsonb"))
"""Routers that run with the caller's rights, and what they return; of a machine and an id."""


def routes(machines: tuple[str, ...]) -> Sql:
    """All routers over these machines."""
    ordered = _ordered(machines)
    routers = [_router(ordered, *route) for route in ROUTES]
    return join("\n", [*routers, *(_reader(ordered, *reader) for reader in READERS)])


def _reader(machines: tuple[str, ...], function: str, returns: str) -> Sql:
    """A router whose body is parsed when it is made, for a caller who may look up no name in it."""
    branches = [
        sql("\n    when {} then {}(p_id)", literal(name), ident(f"pawl_{name}", function))
        for name in machines
    ]
    found = sql("null::{}", Sql(returns))
    if branches:
        found = sql("case p_machine{}\n  end", join("", branches))
    name = ident("pawl", function)
    return sql(
        "create or replace function {}(p_machine text, p_id text)\nreturns {}\n"
        "language sql stable\nreturn {};\n\n"
        "comment on function {} is\n"
        "  '{} of the machine with this name, with the rights of the caller; null: absent';\n",
        name,
        Sql(returns),
        found,
        name,
        ident(function),
    )


def entry(machines: tuple[str, ...], api_schema: str) -> Sql:
    """The API's `send_event` with the routes written out: a call less for every event."""
    names = ("machine", "id", "event", "event_id", "expected_seq")
    types = ("text", "text", "jsonb", "text", "bigint")
    optional = ("event_id", "expected_seq")
    machine, *arguments = (ident(name) for name in names)
    search = _search(
        machines=_ordered(machines),
        function="send_event",
        machine=machine,
        arguments=join(", ", arguments),
    )
    unknown = sql("pawl.route_send({})", join(", ", [machine, *arguments]))
    made = Function(
        name=ident(api_schema, "send_event"),
        parameters=tuple(
            Parameter(ident(name), Sql(type), sql("null") if name in optional else None)
            for name, type in zip(names, types, strict=True)
        ),
        returns=sql("jsonb"),
        body=Block(None, (), (*search, Return(unknown))),
        language="plpgsql",
        definer=True,
        comment='Send an event to an instance: {"type": "accept", …payload}; returns the instance '
        "after it",
    )
    return printer.function(made)


def _ordered(machines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(machines, key=str.encode))


def _router(
    machines: tuple[str, ...], router: str, function: str, returns: str, parameters: tuple[str, ...]
) -> Sql:
    pairs = [parameter.split(" ") for parameter in parameters]
    arguments = join(", ", [ident(name) for name, _ in pairs])
    unknown = Call(ident("pawl", "raise_unknown_machine"), (ident("p_machine"),))
    search = _search(machines, function, ident("p_machine"), arguments)
    made = Function(
        name=ident("pawl", router),
        parameters=(
            Parameter(ident("p_machine"), sql("text")),
            *(Parameter(ident(name), Sql(type)) for name, type in pairs),
        ),
        returns=Sql(returns),
        body=Block(None, (), (*search, unknown, Return(sql("null")))),
        language="plpgsql",
        comment=f"{function} of the machine with this name",
    )
    return printer.function(made)


def _search(machines: tuple[str, ...], function: str, machine: Sql, arguments: Sql) -> Body:
    if len(machines) > _CHAIN:
        middle = len(machines) // 2
        pivot = sql('{} < {} collate "C"', machine, literal(machines[middle]))
        low = _search(machines[:middle], function, machine, arguments)
        high = _search(machines[middle:], function, machine, arguments)
        return (If((Branch(pivot, low),), high),)
    if not machines:
        return ()
    branches = tuple(
        Branch(
            sql("{} = {}", machine, literal(name)),
            (Return(sql("{}({})", ident(f"pawl_{name}", function), arguments)),),
        )
        for name in machines
    )
    return (If(branches),)
