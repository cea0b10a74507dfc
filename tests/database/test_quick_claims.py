"""The short way to the claims of a usual caller says what the long way says, whatever is set.

`send_event` asks `quick_claims()`, which is inlined and takes a short cut; `create_instance` and
`enabled_events` ask `claims()`, reading asks `reading_claims()`. So the doors are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest

from pawl.errors import PawlError
from tests.database.calls import Call, call_on
from tests.database.order import Cast, admit, deploy_text

MINE = """\
machine: mine
version: 1
events: { go: {} }
authorize:
  create: claims->>'sub' = 'ann'
  read: claims->>'sub' = 'ann'
  send: { go: claims->>'sub' = 'ann' }
initial: on
states: { on: { on: { go: {} } } }
"""

YES, NO = "yes", "no"
NOBODY, REFUSED, MISSING, MALFORMED = (
    *("unknown_caller", "claims_refused", "claims_missing", "malformed_claims"),
)

SETTINGS: dict[str, tuple[str | None, str]] = {
    "unset": (None, MISSING),
    "empty": ("", MISSING),
    "ann": ('{"sub": "ann"}', YES),
    "ann, with blanks": (' \n{"sub": "ann"}\t', YES),
    "ann and more": ('{"role": "pawl_admin", "sub": "ann", "exp": 1}', YES),
    "the last of two": ('{"sub": "eve", "sub": "ann"}', YES),
    "the first of two": ('{"sub": "ann", "sub": "eve"}', NO),
    "an escaped key": ('{"s\\u0075b": "ann"}', YES),
    "eve": ('{"sub": "eve"}', NO),
    "nothing": ("{}", NO),
    "no sub": ('{"role": "authenticated"}', NO),
    "a null": ('{"sub": null}', NO),
    "an array for sub": ('{"sub": ["ann"]}', NO),
    "an object for sub": ('{"sub": {"sub": "ann"}}', NO),
    "below another": ('{"claims": {"sub": "ann"}}', NO),
    "another case": ('{"SUB": "ann"}', NO),
    "an array": ('[{"sub": "ann"}]', MALFORMED),
    "a text": ('"ann"', MALFORMED),
    "a number": ("1", MALFORMED),
    "json's null": ("null", MALFORMED),
    "a blank": (" ", MALFORMED),
    "a brace": ("{", MALFORMED),
    "braces": ("{{}}", MALFORMED),
    "two objects": ('{"sub": "ann"} {"sub": "ann"}', MALFORMED),
    "a comment": ('{"sub": "ann"} -- x', MALFORMED),
    "single quotes": ("{'sub': 'ann'}", MALFORMED),
    "a nul": ('{"sub": "ann", "x": "\\u0000"}', MALFORMED),
    "half a surrogate": ('{"sub": "ann", "x": "\\ud83d"}', MALFORMED),
    "a huge number": ('{"sub": "ann", "x": 1e999999}', MALFORMED),
    "too deep": ('{"sub": "ann", "x": ' + "[" * 60_000 + "]" * 60_000 + "}", MALFORMED),
    "a byte order mark": ('\ufeff{"sub": "ann"}', MALFORMED),
}


@pytest.fixture(scope="module")
def dsn(module_database: str, cast: Cast) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        admit(connection, cast)
        deploy_text(connection, MINE)
        connection.execute("select create_instance('mine', 'm')")
    return module_database


@pytest.fixture(scope="module")
def sessions(dsn: str, cast: Cast) -> Iterator[dict[str, Call]]:
    """One session for each login, by how it stands."""
    opened: dict[str, psycopg.Connection] = {}
    for name, user, role in (
        ("a client", cast.authenticator, cast.client),
        ("a client of a trusted login", "postgres", cast.client),
        ("an authenticator", cast.authenticator, None),
        ("a login that is a member of the client role", cast.stranger, None),
        ("a login that switched to the client role", cast.stranger, cast.client),
        ("a login that nobody named", cast.outsider, None),
        ("a worker", "postgres", "pawl_worker"),
        ("the superuser", "postgres", None),
    ):
        address = psycopg.conninfo.make_conninfo(dsn, user=user)
        opened[name] = psycopg.connect(address, autocommit=True)
        if role is not None:
            opened[name].execute(f'set role "{role}"'.encode())
    yield {name: call_on(connection) for name, connection in opened.items()}
    for connection in opened.values():
        connection.close()


_numbers = count()


def answers(call: Call, setting: str | None) -> dict[str, str]:
    """What each door says to a session with this setting: yes, no, or why not even that."""
    call("reset request.jwt.claims")
    if setting is not None:
        call("select set_config('request.jwt.claims', %s, false)", setting)
    doors = {
        "send": "select send_event('mine', 'm', '{\"type\": \"go\"}')",
        "batch": """select send_events('[{"machine": "mine", "id": "m",
          "event": {"type": "go"}}]')""",
        "typed": "select mine_go('m')",
        "create": f"select create_instance('mine', 'new {next(_numbers)}')",
        "read": "select get_instance('mine', 'm')",
        "enabled": "select enabled_events('mine', 'm')",
        "simulate": "select simulate_event('mine', 'm', '{\"type\": \"go\"}')",
        "history": "select count(*) from history('mine', 'm')",
    }
    told = {}
    for door, query in doors.items():
        try:
            call(query)
            told[door] = YES
        except PawlError as error:
            code = error.sqlstate if error.code == "database_error" else error.code
            told[door] = NO if code in ("denied", "not_found") else str(code)
    return told


@pytest.mark.parametrize("name", SETTINGS)
def test_every_door_reads_the_claims_of_a_client_alike(
    sessions: dict[str, Call], name: str
) -> None:
    setting, expected = SETTINGS[name]
    for who in ("a client", "a client of a trusted login"):
        assert set(answers(sessions[who], setting).values()) == {expected}, who


@pytest.mark.parametrize("name", SETTINGS)
def test_claims_count_for_nobody_who_logged_in_by_himself(
    sessions: dict[str, Call], name: str
) -> None:
    setting, _ = SETTINGS[name]
    switched = answers(sessions["a login that switched to the client role"], setting)
    assert set(switched.values()) == {REFUSED if setting else MISSING}
    member = answers(sessions["a login that is a member of the client role"], setting)
    assert set(member.values()) == {NOBODY}
    for who in ("an authenticator", "a login that nobody named"):
        assert set(answers(sessions[who], setting).values()) == {"42501"}, who


@pytest.mark.parametrize("name", SETTINGS)
def test_a_trusted_caller_is_asked_once_he_has_claims(sessions: dict[str, Call], name: str) -> None:
    setting, expected = SETTINGS[name]
    expected = YES if expected == MISSING else expected
    assert set(answers(sessions["a worker"], setting).values()) == {expected}
    superuser = answers(sessions["the superuser"], setting)
    reads = {door: superuser.pop(door) for door in ("read", "history", "enabled", "simulate")}
    assert set(superuser.values()) == {expected}
    assert reads["read"] == YES, "a superuser skips row security"


def test_a_role_that_is_no_client_any_more_is_nobody(
    sessions: dict[str, Call], dsn: str, cast: Cast
) -> None:
    """The lists are constants of functions; plans that hold them are made anew."""
    own = sessions["a client"]
    ann = '{"sub": "ann"}'
    assert answers(own, ann)["send"] == YES
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("select pawl.init_roles('{}', null)")
        assert set(answers(own, ann).values()) == {NOBODY}
        admin.execute("select pawl.init_roles(%s, '{}')", ([cast.client],))
        assert set(answers(own, ann).values()) == {REFUSED}
        admit(admin, cast)
        assert set(answers(own, ann).values()) == {YES}
