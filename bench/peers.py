"""One queue of others doing the job of our effects, and ours: started by effects.py, alone.

    python bench/peers.py pawl|procrastinate|absurd|dbos DSN JOBS SECONDS

In: a database of its own. Out: one JSON object: jobs per second of one worker with `JOBS` waiting
when it begins, and milliseconds from before a job is asked for until its handler has it, at 20 and
300 a second and as fast as one client can ask, for `SECONDS` each. Each worker runs up to 100 jobs
at once, in one process, with its own defaults otherwise; the handler does nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CONCURRENCY = 100
PACES = {"20": 1 / 20, "300": 1 / 300, "saturated": 0.0}

Ask = Callable[[int], Awaitable[Any]]


class Recorder:
    """When each job was asked for and when its handler had it; callable from any thread."""

    def __init__(self) -> None:
        self._asked: dict[int, float] = {}
        self._lock = threading.Lock()
        self._left = 0
        self._all = threading.Event()
        self.waits: list[float] = []

    def expect(self, count: int) -> None:
        """Begin anew, with so many jobs."""
        self._asked, self.waits, self._left = {}, [], count
        self._all.clear()

    def ask(self, n: int) -> None:
        self._asked[n] = time.perf_counter()

    def handle(self, n: int) -> int:
        """What the handler does."""
        now = time.perf_counter()
        with self._lock:
            self._left -= 1
            self.waits.append((now - self._asked.get(n, now)) * 1000)
            if self._left == 0:
                self._all.set()
        return n

    async def everything(self) -> None:
        """Until all jobs have been handled."""
        if not await asyncio.to_thread(self._all.wait, 600):
            raise SystemExit(f"{self._left} jobs are left")


@asynccontextmanager
async def running(job: Awaitable[Any]) -> AsyncIterator[None]:
    """A worker, until the block ends."""
    task = asyncio.ensure_future(job)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def measure(
    recorder: Recorder,
    jobs: int,
    seconds: float,
    fill: Ask,
    ask: Ask,
    worker: Callable[[], contextlib.AbstractAsyncContextManager[None]],
) -> dict[str, Any]:
    """`fill` asks for jobs 0 … n-1 at once, `ask` for one; `worker` is one that runs."""
    recorder.expect(jobs)
    await fill(jobs)
    began = time.perf_counter()
    async with worker():
        await recorder.everything()
        found: dict[str, Any] = {"per_second": round(jobs / (time.perf_counter() - began), 1)}
        for name, pause in PACES.items():
            found[name] = await latency(recorder, ask, pause, seconds)
    return found


async def latency(recorder: Recorder, ask: Ask, pause: float, seconds: float) -> dict[str, float]:
    """Ask at a pace, and tell how long the jobs waited for their handlers."""
    await asyncio.sleep(1)
    count = int(seconds / pause) if pause else int(seconds * 300)
    recorder.expect(count)
    began = time.perf_counter()
    for n in range(count):
        await asyncio.sleep(max(0.0, began + n * pause - time.perf_counter()))
        recorder.ask(n)
        await ask(n)
    await recorder.everything()
    waits = sorted(recorder.waits)
    return {
        "p50_ms": round(waits[count // 2], 1),
        "p99_ms": round(waits[int(count * 0.99)], 1),
        "per_second": round(count / (time.perf_counter() - began), 1),
    }


# --- the queues ------------------------------------------------------------------------------


async def pawl(dsn: str, jobs: int, seconds: float, recorder: Recorder) -> dict[str, Any]:
    """The machine `bell` of effects.py is deployed there, with 16 instances."""
    psycopg = importlib.import_module("psycopg")
    ours = importlib.import_module("pawl")
    daemon = importlib.import_module("pawl.worker.daemon")
    app = ours.Worker()

    @app.effect("ring")
    async def ring(_: object, n: int) -> int:
        return recorder.handle(n)

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as client:

        async def fill(count: int) -> None:
            await client.execute(
                "insert into pawl.outbox"
                " (machine, version, iid, id, seq, effect, input, created_at)"
                " select 'bell', 1, 1, '1', n, 'ring', jsonb_build_object('n', n), now()"
                " from generate_series(0, %s - 1) as n",
                (count,),
            )

        async def ask(n: int) -> None:
            event = json.dumps({"type": "ring", "n": n})
            await client.execute("select send_event('bell', '1', %s)", (event,), prepare=True)

        @asynccontextmanager
        async def worker() -> AsyncIterator[None]:
            settings = daemon.Settings(dsn=dsn, listen_dsn=dsn, concurrency=CONCURRENCY)
            one = daemon.Daemon(app, settings)
            task = asyncio.create_task(one.run())
            yield
            one.stop()
            await task

        return await measure(recorder, jobs, seconds, fill, ask, worker)


async def procrastinate(dsn: str, jobs: int, seconds: float, recorder: Recorder) -> dict[str, Any]:
    peer = importlib.import_module("procrastinate")
    app = peer.App(connector=peer.PsycopgConnector(conninfo=dsn))

    @app.task(name="ring")
    async def ring(n: int) -> int:
        return recorder.handle(n)

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        return await measure(
            recorder,
            jobs,
            seconds,
            lambda count: ring.batch_defer_async(*({"n": n} for n in range(count))),
            lambda n: ring.defer_async(n=n),
            lambda: running(
                app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False)
            ),
        )


async def absurd(dsn: str, jobs: int, seconds: float, recorder: Recorder) -> dict[str, Any]:
    peer = importlib.import_module("absurd_sdk")
    command = Path(sys.executable).with_name("absurdctl")
    for words in (("init",), ("create-queue", "default")):
        subprocess.run([command, *words, "-d", dsn], check=True, stdout=sys.stderr)
    app, client = peer.AsyncAbsurd(dsn), peer.AsyncAbsurd(dsn)

    async def ring(params: dict[str, int], _: object) -> int:
        return recorder.handle(params["n"])

    for one in (app, client):
        one.register_task(name="ring")(ring)

    async def ask(n: int) -> None:
        await client.spawn("ring", {"n": n})

    async def fill(count: int) -> None:
        for n in range(count):
            await ask(n)

    return await measure(
        recorder,
        jobs,
        seconds,
        fill,
        ask,
        lambda: running(app.start_worker(concurrency=CONCURRENCY)),
    )


async def dbos(dsn: str, jobs: int, seconds: float, recorder: Recorder) -> dict[str, Any]:
    peer = importlib.import_module("dbos")
    url = f"postgresql://{dsn.split('://')[1]}"
    config = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
    config["application_version"] = "1"
    peer.DBOS(config=config)

    @peer.DBOS.workflow(name="ring")
    def ring(n: int) -> int:
        return recorder.handle(n)

    peer.DBOS.launch()
    await peer.DBOS.register_queue_async("bench", worker_concurrency=CONCURRENCY)
    client = peer.DBOSClient(system_database_url=url)
    options = {"workflow_name": "ring", "queue_name": "bench", "app_version": "1"}

    async def ask(n: int) -> None:
        await client.enqueue_async(options, n)

    async def fill(count: int) -> None:
        for n in range(count):
            await ask(n)

    @asynccontextmanager
    async def worker() -> AsyncIterator[None]:
        yield

    try:
        return await measure(recorder, jobs, seconds, fill, ask, worker)
    finally:
        peer.DBOS.destroy()


PLAYERS = {"pawl": pawl, "procrastinate": procrastinate, "absurd": absurd, "dbos": dbos}


def main() -> None:
    """Run one of them and print what it did."""
    player, dsn, jobs, seconds = sys.argv[1:]
    found = asyncio.run(PLAYERS[player](dsn, int(jobs), float(seconds), Recorder()))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
