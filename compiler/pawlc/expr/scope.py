"""What an expression may name.

A scope is made by `model.resolve` for each place of the definition and read by `expr.sql`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pawlc.model.machine import Expression


@dataclass(frozen=True, slots=True)
class EventScope:
    """What `event.` may name here.

    `causes` are the event types that can lead here, in document order. `fields` maps a payload
    field that every cause declares to its SQL type; `partial` maps one that only some declare to
    the causes that lack it; `conflicting` one whose causes declare different types to those types.
    `output` maps the typed fields of a done event; `has_output`, `has_error`,
    `has_snapshot`, `has_data` say whether `event.output` and so on make sense.
    """

    causes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    partial: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conflicting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    output: Mapping[str, str] = field(default_factory=dict)
    has_output: bool = False
    has_error: bool = False
    has_snapshot: bool = False
    has_data: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of one place.

    `context` maps fields to SQL types. `event` None: no event here. `states` are the paths that
    `in_state('…')` may name. `sender`: an instance may have
    sent the event. `guards` maps the names of `guards:` to their resolved expressions,
    `params` the parameters in force to theirs. `bare` maps column names that may stand unqualified
    to the `Ref` space and name they mean: the check constraint of a field names the field alone.
    `old` maps the fields of the version that a migration comes from to their SQL types.
    `system` are the system variables of SCXML; the parts of `_event` are looked up in `lookup`.
    """

    context: Mapping[str, str] = field(default_factory=dict)
    event: EventScope | None = None
    claims: bool = True
    now: bool = True
    self: bool = True
    sender: bool = False
    states: frozenset[str] = frozenset()
    guards: Mapping[str, Expression] = field(default_factory=dict)
    params: Mapping[str, Expression] = field(default_factory=dict)
    bare: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    old: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, Expression] = field(default_factory=dict)
