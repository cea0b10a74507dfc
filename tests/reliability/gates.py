"""Places in the database where a session waits until the test lets it pass."""

from __future__ import annotations

from tests.reliability.conftest import Place
from tests.reliability.ledger import wait_for_row

GATE = 77  # the key of an advisory lock: the gate is closed while the test holds it


def gate_before_results(place: Place) -> None:
    """Have whoever stores a result wait at the gate first."""
    place.connection.execute(
        f"""
        create function outside.wait_at_the_gate() returns trigger language plpgsql as $$
        begin
          perform pg_advisory_xact_lock_shared({GATE});
          return new;
        end
        $$;
        create trigger gate before insert on pawl.effect_result
        for each row execute function outside.wait_at_the_gate()
        """
    )


def sessions_of_workers(place: Place, what: str, count: int) -> None:
    """Wait until of so many sessions of workers this is true."""
    query = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        f" and application_name = 'pawl worker' and {what}"
    )
    otherwise = f"never {count} sessions of workers where {what}"
    wait_for_row(place.connection, query, (count,), otherwise)
