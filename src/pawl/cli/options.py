"""Options and arguments that several commands share; `key=value` as a payload."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import rich_click as click

from pawl.cli.output import Output
from pawl.client import Caller
from pawl.client.payload import from_json

Command = TypeVar("Command", bound=Callable[..., Any])

WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")


def json_option(command: Command) -> Command:
    """Add `--json`, which sets `Output.json`."""

    def switch(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.find_object(Output).json |= value  # type: ignore[union-attr]  # set by `run`

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=switch,
        help="Answer in JSON, errors too.",
    )(command)


def target_option(command: Command) -> Command:
    """Add `--target`."""
    return click.option(
        "--target",
        type=click.Choice(["postgres", "supabase"]),
        default="postgres",
        help="For Supabase a migration is written, to supabase/migrations.",
    )(command)


def dsn_option(command: Command) -> Command:
    """Add `--dsn`."""
    return click.option(
        "--dsn",
        metavar="URI",
        help="The database; else PAWL_DSN, DATABASE_URL, or the local one in .pawl/.",
    )(command)


def caller_options(command: Command) -> Command:
    """Add `--role` and `--claims`: act as a client would, to try the authorizers."""
    claims = click.option(
        "--claims", metavar="JSON", help="Act with these JWT claims, as a client would."
    )
    role = click.option("--role", metavar="NAME", help="Act in this client role; needs --claims.")
    return role(claims(command))


def caller(role: str | None, claims: str | None) -> Caller | None:
    """Read `--role` and `--claims`."""
    if claims is None:
        if role is not None:
            raise click.UsageError("--role needs --claims, for a client role has no access without")
        return None
    return Caller(claims=json_object(claims, "--claims"), role=role)


def payload(pairs: Sequence[str], text: str | None = None) -> dict[str, Any]:
    """Join a JSON object with `key=value` pairs, which win.

    >>> payload(["prep_minutes=20", "total=24.50", "note=no nuts"], '{"total": 1}')
    {'total': '24.50', 'prep_minutes': 20, 'note': 'no nuts'}
    """
    found = json_object(text, "the JSON input") if text is not None else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(f"`{pair}` is not of the form key=value")
        found[key] = _value(value)
    return found


def _value(text: str) -> Any:
    """Read the right side of `key=value`: JSON where it can be nothing else, text otherwise.

    A number with a fraction stays text, so that Postgres reads exactly the digits that were typed.

    >>> _value("null"), _value("007"), _value("[1]"), _value('"7"')
    (None, '007', [1], '7')
    """
    if text in ("true", "false", "null") or WHOLE.fullmatch(text):
        return json.loads(text)
    if text[:1] in ("{", "[", '"'):
        try:
            return from_json(text)
        except json.JSONDecodeError:
            return text
    return text


def json_object(text: str, name: str) -> dict[str, Any]:
    """Read a JSON object from the command line; `name` says which in the message."""
    try:
        found = from_json(text)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"{name} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"{name} is JSON but no object: {text}")
    return found
