"""Every block of README.md, docs/ and the examples' pages is executed, or says why not.

`PAWL_DOCS=rewrite pytest tests/docs` puts what is printed today where a document says something
else; what matches stays as it stands.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests import optional
from tests.docs.document import CHECKOUT, Block, beside, blocks, documents, steps
from tests.docs.session import Drift, Session

REWRITE = os.environ.get("PAWL_DOCS") == "rewrite"
ROLE = re.compile(r"^create role (\w+)", re.MULTILINE)

NOT_EXECUTED = {
    ("README.md", "these make the environment that the tests run in"),
    ("docs/postgrest.md", "a browser's part; tests/postgrest/clients.mjs is executed"),
    ("docs/testing.md", "an excerpt of a conftest.py"),
    ("docs/postgrest.md", "tests/postgrest does the same with a PostgREST of its own"),
    ("docs/xstate.md", "JavaScript; tests/oracle/test_converted.py runs it"),
    ("docs/supabase.md", "this needs `supabase start`"),
    ("docs/supabase.md", "this needs Supabase's own command"),
    ("docs/supabase.md", "this needs a project"),
    ("docs/supabase.md", "a browser's part; tests/supabase runs it behind a PostgREST"),
    (
        "docs/supabase.md",
        "this needs Supabase Realtime; tests/database/test_realtime.py asks as it does",
    ),
}


def _name(document: Path) -> str:
    return document.relative_to(CHECKOUT).as_posix()


@pytest.fixture
def session(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """An empty folder, the address of a fresh database in the environment, a connection to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PAWL_DSN", database)
    with psycopg.connect(database, autocommit=True) as connection:
        yield Session(tmp_path, connection, {"__name__": "__main__"})


@pytest.mark.parametrize("document", documents(), ids=_name)
def test_the_blocks_of_a_document_do_what_it_says(document: Path, session: Session) -> None:
    text = document.read_text("utf-8")
    if "plpython3u;" in text:
        optional.require_extension(session.connection, "plpython3u")
    for file in beside(document):
        shutil.copy(file, session.folder)
    drifts: list[Drift] = []
    try:
        for step in steps(text):
            try:
                session.run(step)
            except Drift as drift:
                if not REWRITE or drift.block.excerpt:
                    raise
                drifts.append(drift)
            except Exception as error:
                error.add_note(f"in {_name(document)}, the block of line {step.block.line}")
                raise
    finally:
        _drop_roles(session.connection, text)
        if drifts:
            document.write_text(rewritten(text, drifts), encoding="utf-8")


def test_every_block_that_is_not_executed_is_listed_here() -> None:
    found = {
        (_name(document), step.block.reason)
        for document in documents()
        for step in steps(document.read_text("utf-8"))
        if step.block.reason is not None
    }
    assert found == NOT_EXECUTED


def rewritten(text: str, drifts: list[Drift]) -> str:
    """The document with what was printed in the place of what it says; from the end, by line."""
    lines = text.split("\n")
    for drift in sorted(drifts, key=lambda drift: -drift.block.line):
        begin, count = drift.block.line - 1, drift.block.text.count("\n")
        lines[begin : begin + count] = drift.text.removesuffix("\n").split("\n")
    return "\n".join(lines)


def _drop_roles(connection: psycopg.Connection, text: str) -> None:
    """Roles belong to the whole server."""
    connection.execute("rollback") if connection.info.transaction_status else None
    connection.execute("reset role")
    for name in ROLE.findall(text):
        if connection.execute("select to_regrole(%s)", (name,)).fetchone() != (None,):
            connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_a_block_is_found_with_its_line_and_its_name() -> None:
    text = "a\n```yaml\n# m.machine.yaml\nmachine: m\n```\n"
    (step,) = steps(text)
    assert step.block == Block("yaml", "# m.machine.yaml\nmachine: m\n", 3)
    assert step.block.file == "m.machine.yaml"


@pytest.mark.parametrize("text", ["```text\n1\n```\n", "```sh\nls\n```\n", "```sql\nselect 1\n"])
def test_a_block_that_nothing_checks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d"):
        steps(text)


def test_a_document_that_says_something_else_is_found_out(session: Session) -> None:
    said = "```sql\nselect 1 as n;\n```\n\n```text\n n\n---\n 2\n(1 row)\n```\n"
    (step,) = steps(said)
    with pytest.raises(Drift) as caught:
        session.run(step)
    assert caught.value.text == " n\n---\n 1\n(1 row)\n"


def test_a_document_is_rewritten_where_it_drifts() -> None:
    text = "```text\nold\n```\n\n```text\nold\nold\n```\n"
    first, second = blocks(text)
    assert rewritten(text, [Drift(first, "a\nb\n"), Drift(second, "c\n")]) == (
        "```text\na\nb\n```\n\n```text\nc\n```\n"
    )
