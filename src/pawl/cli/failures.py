"""Expected errors as a message, a code and a hint.

An error that is not described here is a bug of ours and keeps its traceback.
"""

from dataclasses import dataclass

import psycopg

from pawl.embedded import EmbeddedError
from pawl.errors import PawlError, from_postgres

HINTS = {
    "42501": "connect as a member of pawl_admin (pawl_owner to deploy, pawl_worker for a worker)",
    "53100": "free some space on the server's disk",
    "55P03": "something holds a lock for long; try again, or look at pg_stat_activity",
    "25006": "this is a standby or a read-only session: connect to the primary",
    "42883": "the runtime of this database is older than this pawl: run `pawl init`",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong. `code` is stable; `details` are further lines, such as the end of a log."""

    code: str
    message: str
    hint: str | None = None
    details: tuple[str, ...] = ()


def describe(error: BaseException) -> Failure | None:
    """Describe an error of the world outside; None for any other."""
    match error:
        case PawlError():
            return _of_pawl(error)
        case EmbeddedError():
            where = () if error.where is None else (f"where: {error.where}",)
            return Failure("local_postgres", error.message, error.hint, where + _lines(error.log))
        case psycopg.Error():
            return _unreachable(error) if error.sqlstate is None else _of_pawl(from_postgres(error))
        case OSError():
            return _of_system(error)
        case _:
            return None


def _of_pawl(error: PawlError) -> Failure:
    source = error.detail.get("source")
    details = () if source is None else (f"at {source}  {error.detail.get('label', '')}".rstrip(),)
    if error.code == "database_error":
        code = error.sqlstate or error.code
        return Failure(code, error.message, error.hint or HINTS.get(code), details)
    return Failure(error.code, error.message, error.hint, details)


def _unreachable(error: psycopg.Error) -> Failure:
    lines = _lines(str(error)) or ("the connection to Postgres was lost",)
    hint = "is the server running, and are host, port, user and password right?"
    if isinstance(error, psycopg.ProgrammingError):  # nothing was tried: it cannot be read
        hint = "write postgresql://user:password@host:port/database, or host=… dbname=… user=…"
    return Failure("connection", lines[0], hint, lines[1:])


def _of_system(error: OSError) -> Failure:
    where = f"{error.filename}: " if error.filename else ""
    return Failure("system", f"{where}{error.strerror or error}")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())
