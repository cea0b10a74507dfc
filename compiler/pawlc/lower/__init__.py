"""Lowering: the machine becomes target code. All knowledge of statecharts ends here.

A chart without parallel states has one active leaf, so its code switches on `self.leaf` and every
exit and entry is written out (`flat`). The generated functions read like the definition: three
labelled PL/pgSQL blocks make `self.now`, `context.total` and `event.prep_minutes` variables.

    target      the target code as data
    plan        what this machine can need: a queue, eventless steps, timers …
    scope       the variables of the generated functions, and expressions in terms of them
    payload     events arriving: fields checked and converted
    actions     assign, raise, effect, log
    flat        leaving and entering states, one transition at a time
    select      which transition an event takes
    settle      eventless transitions that change nothing
    macrostep   events, eventless transitions and the internal queue, in the standard's order
    authorize   the authorizers of create and send
    store       reading, writing and answering for an instance
    begin       the timers and invokes of a state in which somebody put an instance
    functions   the functions of a version
    table       the instance table
"""

from pawlc.lower.functions import functions
from pawlc.lower.plan import plan
from pawlc.lower.table import table
from pawlc.lower.target import Unit
from pawlc.model.machine import Machine
from pawlc.sql import ident


def lower(machine: Machine) -> Unit:
    """Lower a machine that passed every check."""
    the_plan = plan(machine)
    return Unit(
        schema=ident(machine.schema),
        header=f"{machine.file}, version {machine.version}",
        table=table(machine),
        functions=functions(the_plan),
    )
