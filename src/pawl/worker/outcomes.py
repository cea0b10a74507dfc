"""How an attempt ends: what a handler raises, and what the database is then told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pawl.client.payload import storable, to_jsonb


class Fatal(Exception):
    """Raised by a handler: trying again will not help.

    The instance gets the error event now, with this `code`, `message` and `data`.
    """

    def __init__(self, message: str, *, code: str = "fatal", data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class RetryAfter(Exception):
    """Raised by a handler: try again, but not before `when` (seconds, a duration, or a moment).

    It counts as an attempt like any other failure.
    """

    def __init__(
        self,
        when: float | timedelta | datetime,
        message: str = "asked to try again later",
        *,
        code: str = "retry_after",
    ) -> None:
        super().__init__(message)
        self.when = when
        self.code = code

    def delay(self, now: datetime) -> timedelta:
        """Return how long to wait from `now` on.

        >>> RetryAfter(2.5).delay(datetime.now(UTC))
        datetime.timedelta(seconds=2, microseconds=500000)
        """
        match self.when:
            case datetime():
                return max(self.when - now, timedelta())
            case timedelta():
                return self.when
            case _:
                return timedelta(seconds=self.when)


@dataclass(frozen=True, slots=True)
class Done:
    """The handler returned; `output` is JSON."""

    output: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised, or its time was up. `error` is JSON: code, message, data."""

    code: str
    message: str
    error: str
    retry: bool
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nobody wants the result: the effect was cancelled, or another worker has taken it over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Published:
    """The handler goes on, and tells its instance how far it is; `snapshot` is JSON."""

    snapshot: str


Outcome = Done | Failed | Dropped


def failed(
    code: str,
    message: str,
    *,
    data: Any = None,
    retry: bool = True,
    retry_after: timedelta | None = None,
) -> Failed:
    """Return a failure as the database wants it.

    >>> failed("timeout", "no answer").error
    '{"code": "timeout", "message": "no answer"}'
    """
    code, message = storable(code), storable(message)
    error = {"code": code, "message": message}
    if data is not None:
        try:
            to_jsonb(data)
        except (TypeError, ValueError) as refused:
            error["message"] = f"{message} (without its data: {storable(str(refused))})"
        else:
            error["data"] = data
    return Failed(code, message, to_jsonb(error), retry, retry_after)


def from_exception(error: BaseException) -> Failed:
    """Return what a handler's exception means; the code of an ordinary one is its class's name.

    >>> from_exception(KeyError("sku")).error
    '{"code": "KeyError", "message": "\\'sku\\'"}'
    """
    match error:
        case Fatal():
            return failed(error.code, str(error), data=error.data, retry=False)
        case RetryAfter():
            return failed(error.code, str(error), retry_after=error.delay(datetime.now(UTC)))
        case _:
            return failed(type(error).__name__, str(error) or type(error).__name__)
