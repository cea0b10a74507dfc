"""What Pawl refuses, as Python exceptions.

The database raises SQLSTATE `PT4xx` with a DETAIL that is a JSON object: `error` is a stable code,
the rest are the values. `from_postgres` turns such an error into the class of its code. The classes
right below `PawlError` stand for one HTTP status each, the ones below those for one code.
"""

import json
from typing import Any

import psycopg


class PawlError(Exception):
    """An error with a stable `code`.

    `detail` holds the values beside the code; `hint` is a sentence on what to do, or None;
    `sqlstate` is None when the error did not come from Postgres.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        detail: dict[str, Any] | None = None,
        hint: str | None = None,
        sqlstate: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail or {}
        self.hint = hint
        self.sqlstate = sqlstate


class BadRequest(PawlError):
    """What was sent is malformed."""


class MalformedEvent(BadRequest):
    """Not an event: no object, or no `type` that is a string."""


class MalformedPayload(BadRequest):
    """A field of the payload is missing, of another type, or not declared: see `detail`."""


class UnknownEvent(BadRequest):
    """The machine declares no such event."""


class Unauthenticated(PawlError):
    """No claims, claims that do not parse, or a session in which they do not count."""


class Denied(PawlError):
    """No authorizer admits this caller, or only trusted callers may do this."""


class NotFound(PawlError):
    """No such machine, version or instance, or none that the caller may read."""


class Conflict(PawlError):
    """Not possible now, in this state of the instance."""


class AlreadyExists(Conflict):
    """An instance of this machine has this id."""


class NotAccepted(Conflict):
    """No active state takes the event; `detail["accepts"]` lists what is taken."""


class GuardRefused(Conflict):
    """The state takes the event, but the guard is false."""


class NotRunning(Conflict):
    """The instance is done, failed, paused or stopped (or, to resume it, not paused)."""


class SeqMismatch(Conflict):
    """The instance moved on since `expected_seq`."""


class EventIdReused(Conflict):
    """The `event_id` came with another event before."""


class LeaseLost(Conflict):
    """The worker no longer holds the effect; its result is not wanted."""


class TooLarge(PawlError):
    """More than is kept: an event, input, output or error of over 1 MB."""


class Refused(PawlError):
    """A constraint, or the chart itself, does not allow the outcome."""


class ExpressionFailed(PawlError):
    """An expression of the definition raised: `detail["source"]` is its file and line.

    `sqlstate` and `message` are those of the expression's own error.
    """


class InstallRefused(PawlError):
    """The runtime schema cannot be installed here as asked."""


CLASSES: dict[str, type[PawlError]] = {
    "bad_role": BadRequest,
    "malformed_batch": BadRequest,
    "malformed_event": MalformedEvent,
    "malformed_event_id": BadRequest,
    "malformed_id": BadRequest,
    "malformed_input": BadRequest,
    "malformed_payload": MalformedPayload,
    "null_argument": BadRequest,
    "unknown_event": UnknownEvent,
    "claims_missing": Unauthenticated,
    "claims_refused": Unauthenticated,
    "malformed_claims": Unauthenticated,
    "denied": Denied,
    "trusted_only": Denied,
    "unknown_caller": Denied,
    "not_found": NotFound,
    "unknown_dead_letter": NotFound,
    "unknown_effect": NotFound,
    "unknown_message": NotFound,
    "unknown_machine": NotFound,
    "unknown_version": NotFound,
    "no_migration": NotFound,
    "already_exists": AlreadyExists,
    "effect_ended": Conflict,
    "effect_running": Conflict,
    "event_id_reused": EventIdReused,
    "guard_refused": GuardRefused,
    "lease_lost": LeaseLost,
    "no_rescue": Conflict,
    "not_accepted": NotAccepted,
    "not_paused": NotRunning,
    "not_running": NotRunning,
    "receiver_busy": Conflict,
    "seq_mismatch": SeqMismatch,
    "too_large": TooLarge,
    "check_violated": Refused,
    "constraint_violated": Refused,
    "endless_loop": Refused,
    "not_null_violated": Refused,
    "illegal_state": Refused,
    "unmapped_state": Refused,
    "unknown_state": Refused,
    "expression_failed": ExpressionFailed,
}
"""The class of each code; a code that a newer database raises falls back on its SQLSTATE's."""

STATUSES: dict[str, type[PawlError]] = {
    "PT400": BadRequest,
    "PT401": Unauthenticated,
    "PT403": Denied,
    "PT404": NotFound,
    "PT409": Conflict,
    "PT413": TooLarge,
    "PT422": Refused,
}


def from_postgres(error: psycopg.Error) -> PawlError:
    """Return the exception for what Postgres raised; the caller chains it (`raise … from error`).

    An error that is not Pawl's own becomes a plain `PawlError` with code `database_error`.
    """
    detail = _detail(error.diag.message_detail)
    code = str(detail.pop("error", "database_error"))
    kind = CLASSES.get(code) or STATUSES.get(error.sqlstate or "", PawlError)
    return kind(
        error.diag.message_primary or str(error),
        code=code,
        detail=detail,
        hint=error.diag.message_hint,
        sqlstate=error.sqlstate,
    )


def _detail(text: str | None) -> dict[str, Any]:
    """Read DETAIL as Pawl writes it; any other text is no values.

    >>> _detail('{"error": "not_found", "id": "o-17"}')
    {'error': 'not_found', 'id': 'o-17'}
    >>> _detail("Key (id)=(o-17) already exists.")
    {}
    """
    try:
        value = json.loads(text or "")
    except ValueError:
        return {}
    return value if isinstance(value, dict) and "error" in value else {}
