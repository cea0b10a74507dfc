"""`pawl worker` as a process, whose log is read as it is written."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

PAWL = (sys.executable, "-c", "from pawl.cli import main; main()")
PATIENCE = 60.0  # seconds after which a test gives up; nothing waits that long when all is well

Line = dict[str, Any]


@dataclass(slots=True)
class Process:
    """A running worker; `lines` is what it has logged so far."""

    popen: subprocess.Popen[str]
    lines: list[Line] = field(default_factory=list)
    _coming: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def follow(self) -> None:
        """Read its log, in a thread, so that it never blocks on a full pipe."""
        assert self.popen.stderr is not None
        for text in self.popen.stderr:
            self._coming.put(text)
        self._coming.put(None)

    def wait_for(self, event: str, **fields: Any) -> Line:
        """Return the next line of this event with these fields."""
        return self.wait_until(
            lambda line: line["event"] == event and fields.items() <= line.items(),
            f"{event} {fields or ''}",
        )

    def wait_until(self, wanted: Callable[[Line], bool], what: str) -> Line:
        while True:
            text = self._coming.get(timeout=PATIENCE)
            assert text is not None, f"it ended without {what}:\n{self.lines}"
            line = json.loads(text) if text.startswith("{") else {"event": "text", "text": text}
            self.lines.append(line)
            if wanted(line):
                return line

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        return self.popen.wait(PATIENCE)


@contextmanager
def worker(dsn: str, *arguments: str, **environment: str) -> Iterator[Process]:
    """Run `pawl worker` with these arguments; killed at the end if it still runs."""
    popen = subprocess.Popen(
        [*PAWL, "worker", "--dsn", dsn, "--log-format", "json", "--verbose", *arguments],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        # A run of the tests in the background has Ctrl-C ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    process = Process(popen)
    reading = threading.Thread(target=process.follow)
    reading.start()
    try:
        yield process
    finally:
        popen.kill()
        popen.wait()
        reading.join()
        assert popen.stderr is not None
        popen.stderr.close()
