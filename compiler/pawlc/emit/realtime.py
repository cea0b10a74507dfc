"""Publishing a machine's table: what subscribers such as Supabase Realtime may follow.

In: a machine and the name of a publication. Out: the statements. Published are the columns that
client roles may read, so that whoever decodes the stream learns no more. Realtime asks row security
about each change as the subscriber, by the primary key, in a statement that names the table: for
that the role must be able to enter its schema, where it may read no more than through the view.
"""

from pawlc.emit.access import PUBLIC
from pawlc.model.machine import Machine
from pawlc.sql import Sql, ident, join, sql


def columns(machine: Machine) -> tuple[str, ...]:
    """The columns that are published, in the order of the statement."""
    return (*PUBLIC, *map(machine.column_of, machine.public))


def publish(machine: Machine, publication: str) -> Sql:
    """Add the table, which is not in the publication, with its public columns."""
    listed = join(",\n  ", [ident(name) for name in columns(machine)])
    table = ident(machine.schema, "instance")
    return sql("alter publication {} add table {} (\n  {}\n);\n", ident(publication), table, listed)


def withdraw(machine: Machine, publication: str) -> Sql:
    """Take the table out of a publication that has it."""
    table = ident(machine.schema, "instance")
    return sql("alter publication {} drop table {};\n", ident(publication), table)


def admit(machine: Machine) -> Sql:
    """Let client roles enter the machine's schema."""
    return sql("grant usage on schema {} to pawl_client;\n", ident(machine.schema))


def expel(machine: Machine) -> Sql:
    """Take that back."""
    return sql("revoke usage on schema {} from pawl_client;\n", ident(machine.schema))
