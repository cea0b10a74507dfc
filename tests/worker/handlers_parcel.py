"""Handlers for the machine `parcel`, one for each way in which a handler can behave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket

from psycopg_pool.base import AttemptWithBackoff

from pawl import Task, Worker
from pawl.worker import daemon, holding

app = Worker()
if "LEAVING" in os.environ:
    daemon.LEAVING = holding.AGAIN = float(os.environ["LEAVING"])
if "POOL_PAUSE" in os.environ:
    AttemptWithBackoff.INITIAL_DELAY = float(os.environ["POOL_PAUSE"])


def _report(text: str) -> None:
    """Tell the test, which listens, what the handler does."""
    with socket.create_connection(("127.0.0.1", int(os.environ["REPORT_PORT"]))) as to:
        to.sendall(f"{text}\n".encode())


@app.effect("print_label")
async def print_label(task: Task, parcel: str) -> dict[str, str]:
    """The parcel's name says what happens to it."""
    logging.getLogger("shop").info("printing")
    if parcel.startswith("endless"):
        try:
            await asyncio.Event().wait()
        finally:
            _report(f"ended {parcel}")
    while parcel.startswith("stubborn"):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    if parcel.startswith("slow"):
        while not os.path.exists(os.environ["GO_FILE"]):
            await asyncio.sleep(0.01)
    return {"label": parcel}


@app.effect("tell")
def tell(task: Task, label: str) -> None:
    if label.startswith("deaf"):
        task.wait_cancelled(3600)
