"""The files of docker/: read as text, and their scripts run outside containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from psycopg import sql
from ruamel.yaml import YAML

from tests import optional, testserver
from tests.postgrest import rest

PROGRAMS = Path(sys.executable).parent  # of the development tools
DOCKER = Path(__file__).parents[2] / "docker"
DOCKERFILES = sorted(DOCKER.glob("*/Dockerfile"))
SCRIPTS = sorted(DOCKER.glob("*/*.sh"))
COMPOSE = YAML(typ="safe").load(DOCKER / "compose.yaml")


def test_every_service_is_asked_for_its_health_or_waits_for_one_that_is() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "worker", "postgrest"}
    for name, service in services.items():
        waits = service.get("depends_on", {}).get("postgres", {}).get("condition")
        assert "healthcheck" in service or waits == "service_healthy", name
    assert services["postgrest"]["ports"] == ["127.0.0.1:3000:3000"]
    assert "ports" not in services["postgres"]


def test_no_password_or_secret_has_a_default() -> None:
    text = (DOCKER / "compose.yaml").read_text("utf-8")
    used = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)(:?[-?]?)", text)
    assert {name for name, operator in used if operator == ":?"} == {name for name, _ in used}
    assert all(operator != ":-" for _, operator in used)
    example = (DOCKER / "env.example").read_text("utf-8")
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    assert all(line.endswith("=") for line in lines)
    required = set(re.findall(r"\$\{(\w+):\?", text))
    assert {line.rstrip("=") for line in lines} == required


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_a_dockerfile_keeps_the_rules_of_the_house(path: Path) -> None:
    text = path.read_text("utf-8")
    base = re.findall(r"^FROM (\S+)$", text, re.M)
    assert base
    assert all(":" in image and not image.endswith(":latest") for image in base)
    assert "HEALTHCHECK" in text
    assert not re.search(r"^(?:ADD|MAINTAINER)\b", text, re.M)
    assert not re.search(r"^(?:ENV|ARG) .*(?:PASSWORD|SECRET|TOKEN)", text, re.M)
    if "apt-get install" in text:
        assert "--no-install-recommends" in text
        assert "rm -rf /var/lib/apt/lists/*" in text
    for source in re.findall(r"^COPY (\S+) ", text, re.M):
        assert (DOCKER.parent / source).exists(), source
    if path.parent.name == "worker":
        assert re.search(r"^USER (?!root)", text, re.M)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_finds_nothing_in_a_dockerfile(path: Path) -> None:
    ran = subprocess.run([PROGRAMS / "hadolint", path], capture_output=True, text=True, check=False)
    assert ran.stdout + ran.stderr == ""


def test_the_postgrest_of_compose_is_the_one_that_is_tested() -> None:
    assert COMPOSE["services"]["postgrest"]["image"] == f"postgrest/postgrest:v{rest.VERSION}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_strict_executable_and_parses(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "\nset -euo pipefail\n" in text
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)
    subprocess.run([PROGRAMS / "shellcheck", path], check=True)


def test_the_worker_is_called_with_its_handlers(tmp_path: Path) -> None:
    program = tmp_path / "pawl"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PAWL_DSN": "dbname=x"}

    def run(**more: str) -> subprocess.CompletedProcess[str]:
        command = [DOCKER / "worker" / "entry.sh", "--concurrency", "3"]
        return subprocess.run(
            command, env=environment | more, capture_output=True, text=True, check=False
        )

    called = run(PAWL_HANDLERS="app.orders app.mail").stdout.splitlines()
    assert called[:3] == ["worker", "app.orders", "app.mail"]
    assert called[-2:] == ["--concurrency", "3"]
    assert "PAWL_HANDLERS" in run().stderr


def test_the_worker_is_well_while_its_metrics_answer() -> None:
    command = [DOCKER / "worker" / "entry.sh", "health"]
    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        environment = os.environ | {"PAWL_METRICS_PORT": str(server.server_port)}
        Thread(target=server.handle_request, daemon=True).start()
        assert subprocess.run(command, env=environment, check=False).returncode == 0
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ran.returncode == 1, "nobody listens there any more"


class Metrics(BaseHTTPRequestHandler):
    """Answers as `pawl worker --metrics-port` does."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fresh(server_dsn: str, worker_name: str) -> Iterator[str]:
    """A database without Pawl, on a server where nobody else needs these role names."""
    name = sql.Identifier(f"pawl_docker_{worker_name}")
    roles = ("anon", "authenticated", "authenticator", "pawl_worker_login")
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(7291551)")
        admin.execute(sql.SQL("create database {} template template0").format(name))
        yield testserver.within(server_dsn, f"pawl_docker_{worker_name}")
        admin.execute(sql.SQL("drop database {} with (force)").format(name))
        for role in roles:
            admin.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))


def test_a_new_database_gets_the_roles_and_the_runtime(fresh: str, tmp_path: Path) -> None:
    optional.require_program("psql")
    script = (DOCKER / "postgres" / "init.sh").read_text("utf-8")
    bare = tmp_path / "init.sh"  # the servers of the tests have no plpython3u
    bare.write_text(script.replace("create extension if not exists plpython3u;\n", ""))
    parts = psycopg.conninfo.conninfo_to_dict(fresh)
    environment = os.environ | {
        "PGHOST": str(parts["host"]),
        "PGPORT": str(parts["port"]),
        "POSTGRES_DB": str(parts["dbname"]),
        "PAWL_WORKER_PASSWORD": "it's one",
        "PAWL_AUTHENTICATOR_PASSWORD": "another",
        "PAWL": str(Path(sys.executable).with_name("pawl")),
    }
    subprocess.run(["bash", bare], env=environment, check=True, capture_output=True)
    with psycopg.connect(fresh) as connection:
        settings = dict(connection.execute("select name, value from pawl.setting").fetchall())
        assert settings["client_roles"] == ["anon", "authenticated"]
        assert settings["authenticators"] == ["authenticator"]
        assert connection.execute(
            "select pg_has_role('pawl_worker_login', 'pawl_worker', 'USAGE'),"
            " to_regprocedure('api.send_event(text,text,jsonb,text,bigint)') is not null"
        ).fetchone() == (True, True)
        limits = connection.execute(
            "select rolname, cardinality(rolconfig) from pg_roles where rolname = any (%s)",
            (["anon", "authenticated", "authenticator"],),
        ).fetchall()
        assert dict(limits) == {"anon": 3, "authenticated": 3, "authenticator": 3}
