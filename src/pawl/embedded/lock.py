"""One starter or stopper at a time, by `flock`: the kernel lets go when the holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pawl.embedded.errors import EmbeddedError, naming

PATIENCE = 120.0  # seconds; the holder may be waiting for a crash recovery


@contextmanager
def holding(lock: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold `lock` for the block, waiting for it at most `patience` seconds."""
    with naming(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, lock, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, lock: Path, deadline: float) -> None:
    while not try_to_hold(descriptor):
        if time.monotonic() > deadline:
            raise EmbeddedError(
                "another process keeps starting or stopping this server",
                where=lock,
                hint="wait for it, or end it: its lock goes with it",
            )
        time.sleep(0.02)


def try_to_hold(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
