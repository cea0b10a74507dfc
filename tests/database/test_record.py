"""The connection that keeps what it changes, by which a deploy becomes a script."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from pawl.deploy.record import Recorder, script


@pytest.fixture
def recorder(database: str) -> Iterator[Recorder]:
    with Recorder.connect(database, autocommit=True) as connection:
        connection.execute("create table t (n int, word text)")
        connection.kept.clear()
        yield connection


def texts(recorder: Recorder) -> list[str]:
    return [statement.text for statement in recorder.kept]


def test_values_stand_in_the_text(recorder: Recorder) -> None:
    recorder.execute("insert into t values (%s, %s)", (1, "it's"))
    recorder.cursor().executemany("insert into t values (%s, null)", [(2,), (3,)])
    assert texts(recorder) == [
        "insert into t values (1, 'it''s')",
        "insert into t values (2, null)",
        "insert into t values (3, null)",
    ]


def test_a_question_is_not_kept_and_a_call_is(recorder: Recorder) -> None:
    recorder.execute("select count(*) from t").fetchone()
    recorder.execute("select n from t").fetchall()
    assert list(recorder.execute("select word from t")) == []
    recorder.execute("select pg_notify('a', 'b')")
    recorder.execute("insert into t values (1, null) returning n").fetchone()
    assert texts(recorder) == [
        "select pg_notify('a', 'b')",
        "insert into t values (1, null) returning n",
    ]


def test_what_is_undone_is_forgotten(recorder: Recorder) -> None:
    with recorder.transaction():
        recorder.execute("insert into t values (1, null)")
        with recorder.transaction(force_rollback=True):
            recorder.execute("insert into t values (2, null)")
        with contextlib.suppress(psycopg.errors.DivisionByZero), recorder.transaction():
            recorder.execute("insert into t values (3, null)")
            recorder.execute("select 1 / 0")
    assert texts(recorder) == ["insert into t values (1, null)"]


def test_the_script_does_the_same_again(recorder: Recorder) -> None:
    recorder.execute("insert into t values (%s, %s)", (1, "a;b\\c\n-- d"))
    text = script(recorder.kept)
    recorder.execute("delete from t")
    recorder.execute(text.encode())
    assert recorder.execute("select * from t").fetchall() == [(1, "a;b\\c\n-- d")]
