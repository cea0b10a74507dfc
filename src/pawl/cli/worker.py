"""`pawl worker`: perform effects, fire timers."""

import asyncio
import logging
import os
import sys
import threading
from collections import Counter
from datetime import timedelta

import rich_click as click

from pawl.cli import asked, connect
from pawl.cli.options import dsn_option, json_option
from pawl.cli.output import Output
from pawl.worker import logs
from pawl.worker.app import Worker
from pawl.worker.daemon import Daemon, Settings
from pawl.worker.drain import Drained
from pawl.worker.drain import drain as drain_all
from pawl.worker.http_effect import Allowed, HttpEffect
from pawl.worker.loading import load
from pawl.worker.sql_effect import SqlEffect
from pawl.worker.threads import NAME


@click.command()
@click.argument("handlers", nargs=-1, metavar="[FILE|MODULE]...")
@click.option("--effects", metavar="NAMES", help="Perform only these effects: a,b.")
@click.option(
    "--concurrency", type=click.IntRange(1), default=10, show_default=True, help="Handlers at once."
)
@click.option("--drain", is_flag=True, help="Do all that is due now, then exit.")
@click.option("--lease", type=click.FloatRange(3, 60), default=30, show_default=True, help="In s.")
@click.option("--grace", type=click.FloatRange(0), default=30, show_default=True, help="In s.")
@click.option("--poll", is_flag=True, help="Do not listen: for a pooler that drops LISTEN.")
@click.option("--listen-dsn", metavar="URI", help="Where to listen, if --dsn is a pooler.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="HOST",
    multiple=True,
    help="Perform the effect `http`, to this host; else PAWL_HTTP_ALLOW.",
)
@click.option(
    "--allow-function",
    "functions",
    metavar="NAME",
    multiple=True,
    help="Perform the effect `sql`, with schema.function; else PAWL_SQL_ALLOW.",
)
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Answer Prometheus here.")
@click.option("--log-format", type=click.Choice(["json", "text"]), help="Text on a terminal.")
@click.option("--verbose", is_flag=True, help="Log what is claimed, too.")
@dsn_option
@json_option
@click.pass_obj
def worker(
    output: Output,
    handlers: tuple[str, ...],
    effects: str | None,
    concurrency: int,
    drain: bool,
    lease: float,
    grace: float,
    poll: bool,
    listen_dsn: str | None,
    hosts: tuple[str, ...],
    functions: tuple[str, ...],
    metrics_port: int | None,
    log_format: logs.Format | None,
    verbose: bool,
    dsn: str | None,
) -> None:
    """Perform the effects that FILE or MODULE has handlers for, and fire timers.

    SIGTERM or Ctrl-C: take no more work, finish what runs (at most --grace), exit; a second time:
    exit at once.
    """
    app = load(handlers)
    database = connect.find(dsn, output)
    http = _add_built_in(app, database.dsn, hosts, functions)
    with connect.connected(database) as connection:
        connect.prepare(connection, database, output)
        known = asked.effects(connection)
    named = _chosen(app, effects)
    logs.configure(log_format, logging.DEBUG if verbose else logging.INFO)
    asked.warn(named, known)
    if drain:
        _show(output, asyncio.run(_drain(app, http, named, database.dsn)))
        return
    settings = Settings(
        dsn=database.dsn,
        listen_dsn=None if poll else listen_dsn or database.dsn,
        effects=named,
        concurrency=concurrency,
        lease=timedelta(seconds=lease),
        grace=grace,
    )
    asyncio.run(_run(app, http, settings, metrics_port))
    if _threads_are_left():
        _leave()


def _add_built_in(
    app: Worker, dsn: str, hosts: tuple[str, ...], functions: tuple[str, ...]
) -> HttpEffect:
    """Add `http` and `sql` where something is allowed and FILE has no handler of that name."""
    try:
        allowed = [Allowed.of(host) for host in hosts or _listed("PAWL_HTTP_ALLOW")]
    except ValueError as error:
        raise click.UsageError(f"--allow-host: {error}") from None
    http = HttpEffect(allowed)
    if allowed and "http" not in app.effects:
        app.effect("http")(http.perform)
    called = functions or _listed("PAWL_SQL_ALLOW")
    if bare := [name for name in called if name.count(".") != 1]:
        raise click.UsageError(f"--allow-function: `{bare[0]}` is not of the form schema.function")
    if called and "sql" not in app.effects:
        app.effect("sql")(SqlEffect(dsn, called).perform)
    return http


def _listed(variable: str) -> tuple[str, ...]:
    """Read an environment variable that is a list: a,b."""
    return tuple(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())


def _threads_are_left() -> bool:
    """Whether a handler in a thread was told to end and does not."""
    handlers = [t for t in threading.enumerate() if t.name.startswith(NAME)]
    for thread in handlers:
        thread.join(0.1)
    return any(thread.is_alive() for thread in handlers)


def _leave() -> None:
    """End the process at once, whoever goes on in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _run(app: Worker, http: HttpEffect, settings: Settings, metrics_port: int | None) -> None:
    daemon = Daemon(app, settings)
    if metrics_port is not None:
        _serve(daemon, metrics_port)
    async with http:
        await daemon.run()
        if daemon.stubborn:
            _leave()


def _serve(daemon: Daemon, port: int) -> None:
    try:
        from pawl.worker.metrics import serve
    except ImportError:
        raise click.UsageError(
            "--metrics-port needs prometheus-client: pip install 'pawl[metrics]'"
        ) from None
    logs.say("metrics", port=serve(daemon.counts, port))


def _chosen(app: Worker, effects: str | None) -> tuple[str, ...]:
    """Read `--effects`; the rest of the handlers stay idle."""
    if effects is None:
        return app.effects
    names = tuple(name.strip() for name in effects.split(",") if name.strip())
    if unknown := [name for name in names if name not in app.effects]:
        known = ", ".join(app.effects) or "none"
        raise click.UsageError(f"no handler for {', '.join(unknown)}; there are: {known}")
    return names


async def _drain(app: Worker, http: HttpEffect, effects: tuple[str, ...], dsn: str) -> Drained:
    async with http:
        return await drain_all(app, dsn, effects=effects)


def _show(output: Output, did: Drained) -> None:
    ended = Counter((one.claim.effect, one.ended) for one in did.effects)
    rows = [(*key, count) for key, count in sorted(ended.items())]
    rows += [
        (kind, "", count)
        for kind, count in (
            ("(timers)", did.timers),
            ("(results)", did.results),
            ("(messages)", did.messages),
        )
        if count
    ]
    output.table(("effect", "ended", "count"), rows)
