"""The worker's log: events with fields, one JSON object a line, or `key=value` on a terminal.

It is Python's `logging`, logger `pawl.worker`, so that a program that embeds the worker keeps its
own handlers; `configure` is what the command does.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal

from pawl.client.payload import to_json

LOGGER = logging.getLogger("pawl.worker")
Format = Literal["json", "text"]


def say(
    event: str, level: int = logging.INFO, *, error: BaseException | None = None, **fields: Any
) -> None:
    """Log an event; `error` adds its traceback."""
    LOGGER.log(level, event, extra={"fields": fields}, exc_info=error)


def configure(format: Format | None = None, level: int = logging.INFO) -> None:
    """Send every logger's lines to stderr; without a format, text for a terminal, else JSON.

    `level` is that of the worker's own events.
    """
    text = sys.stderr.isatty() if format is None else format == "text"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines() if text else JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    LOGGER.setLevel(level)
    for chatty in ("httpx", "psycopg.pool"):  # what they warn of, we say with our own events
        logging.getLogger(chatty).setLevel(logging.ERROR)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, in the order in which it is written; another library's says `message`."""
    ours = record.name == LOGGER.name
    said = {"event": record.getMessage()} if ours else {"event": "log", "logger": record.name}
    extra = {} if ours else {"message": record.getMessage()}
    given = {k: v for k, v in getattr(record, "fields", {}).items() if v is not None}
    return {**said, **extra, **given}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = {"at": at, "level": record.levelname.lower(), **fields_of(record)}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return to_json({key: _plain(value) for key, value in said.items()})


class TextLines(logging.Formatter):
    """`12:00:01 claimed machine=order instance=o-17`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        said = fields_of(record)
        level = "" if record.levelno <= logging.INFO else f" {record.levelname}"
        line = f"{at}{level} {said.pop('event')}"
        line += "".join(f" {key}={_quoted(value)}" for key, value in said.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | tuple | dict) else str(value)


def _quoted(value: Any) -> str:
    """Write a value so that a line can be taken apart again.

    >>> _quoted("o-17"), _quoted("no answer"), _quoted(3)
    ('o-17', '"no answer"', '3')
    """
    text = value if isinstance(value, str) else str(value)
    bare = text and not any(c.isspace() or c in '"=' for c in text)
    return text if bare else json.dumps(text, ensure_ascii=False)
