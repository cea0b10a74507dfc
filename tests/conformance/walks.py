"""The format of `xstate-walks`: a machine and random walks, with the answers of xstate 5.

A file is `{config, guards, delays, walks: [{initial, steps}]}`. A guard is true iff the event says
`g: {guard: true}`. Each walk is a case, `<file>/<number from 1>`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pawlc.parse.xstate import names
from pawlc.parse.xstate.names import Names
from pawlc.parse.xstate.reader import read
from pawlc.parse.yaml.nodes import Mapping
from pawlc.parse.yaml.sink import Sink
from tests.conformance import instrument
from tests.conformance.cases import Answers, Case, Chart, Json, Seen, Step


def is_suite(content: object) -> bool:
    """Whether a file's content is of this format."""
    return isinstance(content, dict) and "walks" in content and "config" in content


def cases(suite: str, file: Path) -> Iterator[Case]:
    """The walks of a file."""
    content = json.loads(file.read_text(encoding="utf-8"))
    chart = _chart(content)
    named = names_of(chart.config)
    for number, walk in enumerate(content["walks"], 1):
        yield Case(
            suite=suite,
            group=file.stem,
            name=str(number),
            chart=chart,
            wanted=_seen(walk["initial"]),
            steps=tuple(_step(step, named) for step in walk["steps"]),
            tells=True,
        )


def names_of(config: str) -> Names:
    """How a config names its own events."""
    root, _ = read(config, "m.json", Sink())
    assert isinstance(root, Mapping)
    return names.collect(root)


def _chart(content: Json) -> Chart:
    written = {key: value for key, value in content["config"].items() if key != "context"}
    config = _with_traces(written, ())
    return instrument.chart(
        config,
        guards=instrument.all_guards(config),
        actions={n: n for n in map(instrument.name_of, instrument.all_actions(config))},
        delays=content.get("delays", {}),
    )


def _with_traces(node: Json, keys: tuple[str, ...]) -> Json:
    """A state that says `+path` when it is entered and `-path` when it is left, before all else."""
    path = ".".join(keys)
    inner = node.get("states", {}).items()
    return {
        **node,
        "entry": [{"type": f"+{path}"}, *instrument.listed(node.get("entry", []))],
        "exit": [{"type": f"-{path}"}, *instrument.listed(node.get("exit", []))],
        **({"states": {k: _with_traces(child, (*keys, k)) for k, child in inner}} if inner else {}),
    }


def _step(step: Json, named: Names) -> Step:
    event = step.get("event")
    true = [] if event is None else [g for g, answer in event.get("g", {}).items() if answer]
    rows = tuple((named.event(event["type"]), guard) for guard in true) if event else ()
    return Step(event, step.get("advance"), Answers(by_event=rows), _seen(step["expect"]))


def _seen(wanted: Json) -> Seen:
    return Seen(
        status=wanted["status"],
        value=wanted["value"],
        actions=tuple(wanted["actions"]),
        tags=tuple(sorted(wanted.get("tags", ()))),
    )
