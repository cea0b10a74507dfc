"""`realtime: true`, on a server that can be followed: what is published, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pawl import embedded
from pawl.deploy import install
from pawl.deploy.errors import DeployRefused
from pawl.deploy.versions import make_current
from pawlc.emit.access import PUBLIC
from tests import testserver
from tests.database.calls import Call, call_on
from tests.database.order import COUNTER, acting, deploy_text
from tests.database.pgoutput import changes

pytestmark = pytest.mark.database

NOTE = """\
machine: note
version: 1
context: { owner: text not null, title: text not null, secret: text }
input: [owner, title, secret]
public: [title]
realtime: true
events:
  rename: { title: text not null }
  hide: { secret: text not null }
authorize: { create: true, read: claims->>'sub' = context.owner, send: { "*": true } }
initial: open
states:
  open:
    on:
      rename: { assign: { title: event.title } }
      hide: { assign: { secret: event.secret } }
"""
SECOND = NOTE.replace("version: 1", "version: 2")
ANN = {"sub": "ann", "role": "reader"}
CREATE = (
    'select create_instance(\'note\', \'n\', \'{"owner": "ann", "title": "a", "secret": "s"}\')'
)
PUBLISHED = """\
select p.pubname::text, array_agg(a.attname::text order by a.attname)
from pg_publication_rel as r
join pg_publication as p on p.oid = r.prpubid
join pg_attribute as a on a.attrelid = r.prrelid and a.attnum = any (r.prattrs)
where r.prrelid = 'pawl_note.instance'::regclass
group by 1
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose changes can be followed, with the roles of an end user."""
    place = tmp_path_factory.mktemp("realtime") / "server"
    settings = {"wal_level": "logical", "fsync": "off"}
    dsn = embedded.start(place, settings=settings, auth="trust").dsn()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create role reader nologin")
        connection.execute("create role login login noinherit in role reader")
    try:
        yield dsn
    finally:
        embedded.remove(place)


@pytest.fixture
def dsn(server: str) -> Iterator[str]:
    """A database of this test's own, with the runtime and a machine that nobody may follow."""
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("create database followed template template0")
        address = testserver.within(server, "followed")
        with psycopg.connect(address, autocommit=True) as connection:
            install(connection)
            connection.execute("select pawl.init_roles('{reader}', '{login}')")
            deploy_text(connection, COUNTER)
        yield address
        admin.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        admin.execute("drop database followed with (force)")


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(connection: psycopg.Connection) -> Call:
    return call_on(connection)


def test_followers_see_the_public_columns_of_each_change_and_nothing_else(
    connection: psycopg.Connection, call: Call
) -> None:
    deploy_text(connection, NOTE)
    call("select pg_create_logical_replication_slot('s', 'pgoutput')")
    call(CREATE)
    call("select create_instance('counter', 'c')")
    call('select send_event(\'note\', \'n\', \'{"type": "rename", "title": "b"}\')')
    call('select send_event(\'note\', \'n\', \'{"type": "hide", "secret": "t"}\')')
    call("select send_event('counter', 'c', '{\"type\": \"add\"}')")
    call("select erase_instance('note', 'n')")
    found = changes(connection, "s", "pawl_realtime")
    assert {change.table for change in found} == {"pawl_note.instance"}
    *live, erased = found
    told = [(c.action, c.row["seq"], c.row["title"], c.row["state"]) for c in live]
    assert told == [
        ("insert", "1", "a", "{open}"),
        ("update", "2", "b", "{open}"),
        ("update", "3", "b", "{open}"),
    ]
    assert {name for change in live for name in change.row} == {*PUBLIC, "title"}
    assert (erased.action, erased.row) == ("delete", {"iid": live[0].row["iid"]})


def test_row_security_decides_as_realtime_asks_it(
    connection: psycopg.Connection, call: Call, dsn: str
) -> None:
    """Realtime prepares the question as itself and asks it as each subscriber."""
    deploy_text(connection, NOTE)
    call(CREATE)
    ask = "select exists (select 1 from pawl_note.instance where iid = 1)"
    call(f"prepare walrus as {ask}")
    seen = {}
    for sub in ("ann", "eve"):
        call("begin")
        call("select set_config('role', 'reader', true)")
        call("select set_config('request.jwt.claims', %s, true)", f'{{"sub": "{sub}"}}')
        seen[sub] = call("execute walrus")
        call("rollback")
    assert seen == {"ann": True, "eve": False}
    with acting(dsn, "login", role="reader", claims=ANN) as reader:
        assert reader("select title from pawl_note.instance") == "a"
        with pytest.raises(Exception, match="permission denied for table instance"):
            reader("select secret from pawl_note.instance")
        with pytest.raises(Exception, match="permission denied"):
            reader("select pawl_note.send_event('n', '{}', null, null)")


def test_what_is_published_follows_the_current_version(
    connection: psycopg.Connection, call: Call
) -> None:
    deploy_text(connection, NOTE)
    enters = "select has_schema_privilege('pawl_client', 'pawl_note', 'usage')"
    first = ("pawl_realtime", sorted([*PUBLIC, "title"]))
    assert connection.execute(PUBLISHED).fetchall() == [first]
    deploy_text(connection, SECOND.replace("public: [title]", "public: [title, owner]"))
    assert connection.execute(PUBLISHED).fetchall() == [
        ("pawl_realtime", sorted([*PUBLIC, "title", "owner"]))
    ]
    make_current(connection, "note", 1)
    assert connection.execute(PUBLISHED).fetchall() == [first]
    assert call(enters) is True
    third = NOTE.replace("version: 1", "version: 3").replace("realtime: true\n", "")
    deploy_text(connection, third)
    assert connection.execute(PUBLISHED).fetchall() == []
    assert call(enters) is False


def test_the_publication_of_supabase_is_used_where_there_is_one(
    connection: psycopg.Connection, call: Call
) -> None:
    call("create publication supabase_realtime")
    deploy_text(connection, NOTE)
    assert [name for name, _ in connection.execute(PUBLISHED).fetchall()] == ["supabase_realtime"]
    assert call("select count(*) from pg_publication") == 1


def test_a_publication_of_all_tables_is_left_as_it_is(
    connection: psycopg.Connection, call: Call
) -> None:
    call("create publication supabase_realtime for all tables")
    deploy_text(connection, NOTE)
    assert connection.execute(PUBLISHED).fetchall() == []
    assert call("select has_schema_privilege('pawl_client', 'pawl_note', 'usage')") is True


def test_a_publication_that_takes_no_columns_refuses_the_deploy(
    connection: psycopg.Connection, call: Call
) -> None:
    call("create publication supabase_realtime for tables in schema public")
    with pytest.raises(DeployRefused) as refused:
        deploy_text(connection, NOTE)
    assert refused.value.code == "publication_refused"
    assert call("select to_regnamespace('pawl_note')") is None
