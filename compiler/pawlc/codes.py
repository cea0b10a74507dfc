"""Every diagnostic code and its title; the pages behind them are `explain/<code>.md`.

PW0xx YAML and its traps, JSON, XML, PW1xx keys and shapes, PW2xx states, targets and names, PW3xx
names inside expressions, PW4xx behaviour, PW9xx what is documented but not built yet, or has no
word in the form that a definition is converted to. A code never changes its meaning and is never
used twice.
"""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Code:
    """A code and its title: a phrase without a capital, as in the index of `explain`."""

    code: str
    title: str


_TITLES: tuple[tuple[str, str], ...] = (
    # YAML and its traps
    ("PW001", "the file is not YAML"),
    ("PW002", "a tab where YAML wants spaces"),
    ("PW003", "a key is written twice"),
    ("PW004", "anchors, aliases and merge keys are not supported"),
    ("PW005", "several YAML documents in one file"),
    ("PW006", "the file is empty"),
    ("PW007", "the definition is not a mapping"),
    ("PW008", "the definition is nested too deeply"),
    ("PW009", "YAML took the rest of the value for a comment"),
    ("PW010", "YAML split the value at a comma"),
    ("PW011", "YAML took `*` for an alias"),
    ("PW012", "YAML quotes around text that is not SQL"),
    ("PW013", "YAML took a colon inside the value for a key"),
    ("PW014", "a key is not text"),
    ("PW015", "a character that a definition may not hold"),
    ("PW016", "YAML tags are not supported"),
    ("PW017", "`yes`, `no`, `on` and `off` are not booleans"),
    ("PW018", "the file is not JSON"),
    ("PW070", "the file is not XML"),
    # keys and shapes
    ("PW101", "unknown key"),
    ("PW102", "a required key is missing"),
    ("PW103", "a value of the wrong shape"),
    ("PW104", "a value is missing"),
    ("PW105", "a bad version number"),
    ("PW106", "not a boolean"),
    ("PW107", "unknown type of state"),
    ("PW108", "keys that exclude each other"),
    ("PW109", "an action that does nothing known"),
    ("PW110", "a bad policy of an effect"),
    ("PW111", "a bad duration"),
    ("PW112", "a bad event descriptor"),
    ("PW113", "a name appears twice in a list"),
    ("PW114", "a key that means nothing here"),
    ("PW115", "a word of XState v4"),
    ("PW170", "an element or attribute that SCXML does not have there"),
    ("PW171", "a value that an SCXML document may not have"),
    ("PW172", "what an SCXML document asks for is not there"),
    # states, targets, names
    ("PW201", "two states have the same id"),
    ("PW202", "a compound state has no initial state"),
    ("PW203", "the initial state is not inside its state"),
    ("PW204", "a transition targets an unknown state"),
    ("PW205", "a final state goes on"),
    ("PW206", "targets that cannot be active together"),
    ("PW207", "an initial state where none can be"),
    ("PW208", "a history state with more than a default"),
    ("PW209", "two invokes have the same id"),
    ("PW210", "onDone of a state that is never done"),
    ("PW211", "the machine has no states"),
    ("PW212", "a state's type contradicts its keys"),
    ("PW220", "a reserved name for a field"),
    ("PW221", "a reserved name for an event"),
    ("PW222", "a generated identifier is too long"),
    ("PW223", "two generated identifiers are the same"),
    ("PW224", "a name with characters that it may not hold"),
    ("PW280", "rules for a state that is not there"),
    # names inside expressions
    ("PW301", "undeclared context field"),
    ("PW302", "undeclared event field"),
    ("PW303", "an event field that not every cause declares"),
    ("PW304", "SQL syntax error"),
    ("PW305", "a table without its schema"),
    ("PW306", "a volatile function"),
    ("PW307", "a construct that an expression may not use"),
    ("PW308", "unknown name"),
    ("PW309", "a reserved alias"),
    ("PW310", "a bad column definition"),
    ("PW311", "an event field with conflicting types"),
    ("PW312", "unknown guard, action or delay"),
    ("PW313", "parameters that do not match"),
    ("PW314", "in_state of an unknown state"),
    ("PW315", "a value of the wrong type"),
    ("PW316", "unknown effect"),
    ("PW317", "a payload that does not match its event"),
    ("PW318", "input or public names an unknown field"),
    ("PW319", "creation could never succeed"),
    ("PW320", "no Python file beside the definition"),
    ("PW321", "unknown Python function"),
    ("PW322", "a Python parameter that names nothing"),
    ("PW323", "Python syntax error"),
    ("PW324", "a Python action whose fields are not known"),
    ("PW325", "Python that cannot run inside Postgres"),
    ("PW326", "something that pawl_owner may not use"),
    ("PW327", "names that nothing implements"),
    ("PW335", "a message to the child of no invoke"),
    ("PW360", "a field that a migration computes twice"),
    ("PW361", "a Python function with a name that is taken"),
    # behaviour
    ("PW401", "a state that can never be entered"),
    ("PW402", "a transition that can never be taken"),
    ("PW403", "an eventless cycle"),
    ("PW404", "a declared event that no state takes"),
    ("PW405", "a state takes an undeclared event"),
    ("PW406", "an undeclared event is raised"),
    ("PW407", "a declared effect that nothing uses"),
    ("PW408", "returns of an effect that nobody invokes"),
    ("PW409", "a policy that makes no sense"),
    ("PW410", "no authorize: closed to client roles"),
    ("PW411", "a send rule that matches no event"),
    ("PW412", "a guard, action or delay that nothing uses"),
    ("PW413", "a raised event that no state takes"),
    ("PW414", "a cancel of what is never raised"),
    ("PW430", "a limit by a field that no input has"),
    ("PW450", "a sample with an unknown field"),
    ("PW451", "a rule that no sample satisfies"),
    ("PW452", "a rule that every sample satisfies"),
    # what a place lacks
    ("PW455", "Python where there is no plpython3u"),
    ("PW456", "something of Supabase's own that pawl_owner may not use"),
    # migrations
    ("PW460", "a migration names what is not there"),
    ("PW461", "a configuration that a migration cannot map"),
    ("PW462", "a migration leaves a value, timer, invoke or history open"),
    ("PW463", "choices of a migration that are not for all"),
    ("PW464", "two ways from a version that lead to different states"),
    ("PW465", "delayed events that end on the way back to an earlier version"),
    # documented, not built yet
    ("PW907", "a part of XState that this version does not build"),
    # converting
    ("PW970", "a part of a definition that SCXML has no word for"),
    ("PW971", "what SCXML would do differently"),
    ("PW972", "what is different in every SCXML document"),
    ("PW973", "a part of an SCXML document that YAML has no word for"),
    ("PW974", "what YAML would do differently from SCXML"),
    ("PW975", "what is different in every definition that comes from SCXML"),
    ("PW980", "a part of a definition that XState has no word for"),
    ("PW981", "a name that means something else to XState"),
    ("PW982", "regions that JavaScript puts in another order"),
    ("PW983", "a part of a definition that the native form has no word for"),
    ("PW984", "a remark in a machine config that is not kept"),
)

CODES: dict[str, Code] = {code: Code(code, title) for code, title in _TITLES}


def explain(code: str) -> str:
    """The page of a code, in Markdown. Raises `KeyError` for an unknown one."""
    page = files("pawlc") / "explain" / f"{CODES[code].code}.md"
    return page.read_text(encoding="utf-8")
