"""What a definition means and should not: one rule per file, a function that yields diagnostics.

`SYNTAX_RULES` read what the user wrote, `MODEL_RULES` the machine that `model.resolve` made of it,
`TARGET_RULES` what was written too, for a place where not everything is to be had.
Unknown names and targets are resolve's to report.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from pawlc import syntax
from pawlc.check.closed_machines import closed_machines
from pawlc.check.eventless_cycles import eventless_cycles
from pawlc.check.final_states import final_states
from pawlc.check.history_states import history_states
from pawlc.check.identifiers import identifiers
from pawlc.check.limit_fields import limit_fields
from pawlc.check.never_done import never_done
from pawlc.check.no_states import no_states
from pawlc.check.python_names import python_names
from pawlc.check.repeated_names import repeated_names
from pawlc.check.required_input import required_input
from pawlc.check.reserved_events import reserved_events
from pawlc.check.reserved_fields import reserved_fields
from pawlc.check.retry_policies import retry_policies
from pawlc.check.sample_fields import sample_fields
from pawlc.check.send_patterns import send_patterns
from pawlc.check.shadowed_transitions import shadowed_transitions
from pawlc.check.state_types import state_types
from pawlc.check.supabase_python import supabase_python
from pawlc.check.supabase_schemas import supabase_schemas
from pawlc.check.undeclared_events import undeclared_events
from pawlc.check.unknown_cancels import unknown_cancels
from pawlc.check.unknown_children import unknown_children
from pawlc.check.unreachable_states import unreachable_states
from pawlc.check.untaken_raises import untaken_raises
from pawlc.check.unused_effects import unused_effects
from pawlc.check.unused_events import unused_events
from pawlc.check.unused_names import unused_names
from pawlc.diagnostics import Diagnostic
from pawlc.model.machine import Machine

Target = Literal["postgres", "supabase"]
SyntaxRule = Callable[[syntax.Machine], Iterable[Diagnostic]]
ModelRule = Callable[[Machine], Iterable[Diagnostic]]

SYNTAX_RULES: tuple[SyntaxRule, ...] = (
    no_states,
    state_types,
    final_states,
    history_states,
    never_done,
    reserved_fields,
    reserved_events,
    repeated_names,
    undeclared_events,
    unused_events,
    untaken_raises,
    unknown_cancels,
    send_patterns,
    unused_effects,
    unused_names,
    retry_policies,
    limit_fields,
    closed_machines,
    sample_fields,
)

MODEL_RULES: tuple[ModelRule, ...] = (
    required_input,
    unreachable_states,
    shadowed_transitions,
    eventless_cycles,
    unknown_children,
    identifiers,
    python_names,
)

TARGET_RULES: dict[Target, tuple[SyntaxRule, ...]] = {
    "postgres": (),
    "supabase": (supabase_python, supabase_schemas),
}


def check_syntax(machine: syntax.Machine) -> tuple[Diagnostic, ...]:
    """What the rules over the definition as written find."""
    return tuple(found for rule in SYNTAX_RULES for found in rule(machine))


def check_target(machine: syntax.Machine, target: Target) -> tuple[Diagnostic, ...]:
    """What the definition asks for and the place where it will run does not have."""
    return tuple(found for rule in TARGET_RULES[target] for found in rule(machine))


def check_model(machine: Machine) -> tuple[Diagnostic, ...]:
    """What the rules over the resolved machine find."""
    return tuple(found for rule in MODEL_RULES for found in rule(machine))
