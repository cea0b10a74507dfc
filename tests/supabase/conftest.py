"""A project of Supabase's: its migrations, written once, and a server where they have run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pawl.deploy import supabase
from pawl.deploy.supabase import DOORS, Project
from pawlc.compile import compile_machine
from tests.database.order import COUNTER, EXAMPLE

MACHINES = (
    (EXAMPLE.read_text("utf-8"), EXAMPLE.name),
    (COUNTER.replace("events:", "realtime: true\nevents:", 1), "counter.machine.yaml"),
)
USER_TABLE = "create table public.courier (id uuid primary key, name text not null);\n"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A project and the addresses of its database: as `postgres`, and as the superuser."""

    project: Project
    dsn: str
    superuser: str


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The runtime, a table of the project's own, the order and the counter, as `db push` runs them.

    One server is asked what each migration should say, and then runs it.
    """
    project = Project(tmp_path_factory.mktemp("project") / "supabase" / "migrations")
    with supabase.scratch() as dsn:
        push(dsn, supabase.add_runtime(project, DOORS, dsn))
        push(dsn, project.write("courier", USER_TABLE))
        for text, file in MACHINES:
            compiled = compile_machine(text, file, target="supabase")
            push(dsn, supabase.add_machine(project, compiled, dsn)[1])
        superuser = make_conninfo(dsn, user="supabase_admin")
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute("create role stranger login")
        let_in(dsn, "authenticator", "stranger")
        yield Deployed(project, dsn, superuser)


def let_in(dsn: str, *roles: str) -> None:
    """Let roles log in with the password of `postgres`."""
    superuser = make_conninfo(dsn, user="supabase_admin")
    password = sql.Literal(psycopg.conninfo.conninfo_to_dict(dsn)["password"])
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role in roles:
            change = sql.SQL("alter role {} password {}").format(sql.Identifier(role), password)
            connection.execute(change)


def push(dsn: str, *migrations: Path | None) -> None:
    """Run migrations as `postgres`, statement by statement, as Supabase's tools do."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for file in migrations:
            assert file is not None
            for statement in cut(file):
                connection.execute(statement.encode())


def cut(file: Path) -> list[str]:
    """Cut a script at the semicolons outside quotes, comments and brackets, and nowhere else."""
    text, found, start, at, depth = file.read_text("utf-8"), [], 0, 0, 0
    while at < len(text):
        opened = next((mark for mark in ("--", "'", '"', "$") if text.startswith(mark, at)), None)
        if opened == "--":
            at = text.index("\n", at)
        elif opened in ("'", '"'):
            at = text.index(opened, at + 1)
        elif opened == "$":
            tag = text[at : text.index("$", at + 1) + 1]
            at = text.index(tag, at + len(tag)) + len(tag) - 1
        elif text[at] in "()":
            depth += 1 if text[at] == "(" else -1
        elif text[at] == ";" and depth == 0:
            found.append(text[start : at + 1])
            start = at + 1
        at += 1
    assert not text[start:].strip()
    return found
