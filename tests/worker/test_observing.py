"""What a worker lets others see: its log, its counts, its spans."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import urllib.request
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pawl import tracing
from pawl.client import Client
from pawl.worker.counts import Counts
from pawl.worker.logs import LOGGER, JsonLines, TextLines
from pawl.worker.metrics import serve
from tests.worker.conftest import Parcels

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def record(name: str, message: str, **fields: Any) -> logging.LogRecord:
    found = logging.LogRecord(name, logging.INFO, "f.py", 1, message, (), None)
    found.fields = fields
    return found


def test_a_line_is_one_json_object_in_a_fixed_order() -> None:
    line = JsonLines().format(record(LOGGER.name, "applied", instance="o-1", attempt=2, code=None))
    assert list(json.loads(line)) == ["at", "level", "event", "instance", "attempt"]
    assert "\n" not in line


def test_another_loggers_line_has_its_name_and_message() -> None:
    found = json.loads(JsonLines().format(record("shop", "printing 1/2", total=Decimal("1.5"))))
    assert (found["event"], found["logger"], found["message"]) == ("log", "shop", "printing 1/2")
    assert found["total"] == "1.5"


def test_a_traceback_is_a_field_of_its_line() -> None:
    line = record(LOGGER.name, "raised")
    try:
        raise KeyError("sku")
    except KeyError:
        line.exc_info = sys.exc_info()
    assert json.loads(JsonLines().format(line))["traceback"].endswith("KeyError: 'sku'")
    assert TextLines().format(line).endswith("KeyError: 'sku'")


def test_a_terminal_sees_key_value() -> None:
    line = TextLines().format(record(LOGGER.name, "applied", instance="o-1", reason="no answer"))
    assert line.split(" ", 1)[1] == 'applied instance=o-1 reason="no answer"'


def test_prometheus_reads_the_counts() -> None:
    counts = Counts()
    counts.claimed["mail"] = 3
    counts.ended["mail", "applied"] = 2
    counts.seconds["mail"] = 1_500_000
    counts.lag["mail"] = 0.25
    counts.timers, counts.listening = 7, True
    with urllib.request.urlopen(f"http://127.0.0.1:{serve(counts, 0)}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    for line in (
        'pawl_claimed_total{effect="mail"} 3.0',
        'pawl_ended_total{effect="mail",outcome="applied"} 2.0',
        'pawl_handler_seconds_total{effect="mail"} 1.5',
        'pawl_lag_seconds{effect="mail"} 0.25',
        "pawl_timers_fired_total 7.0",
        "pawl_listening 1.0",
    ):
        assert line in lines


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans that end, kept by a provider that is not the process's."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.trace, "get_tracer_provider", lambda: provider)
    return exporter


def test_a_span_continues_the_trace_of_the_database(spans: InMemorySpanExporter) -> None:
    with tracing.span("effect mail", PARENT, {"pawl.instance": "o-1"}) as passed_on:
        assert tracing.traceparent() == passed_on
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
    assert span.context is not None
    assert passed_on is not None
    assert passed_on.split("-")[1:3] == [PARENT.split("-")[1], f"{span.context.span_id:016x}"]


def test_what_a_handler_raises_is_on_its_span(spans: InMemorySpanExporter) -> None:
    async def run() -> None:
        with tracing.span("effect mail", None, {}):
            tracing.note(OSError("no paper"))

    asyncio.run(run())
    (span,) = spans.get_finished_spans()
    assert span.status.description == "no paper"
    assert [event.name for event in span.events] == ["exception"]


def test_a_client_in_a_span_gives_its_trace_to_the_effect(
    spans: InMemorySpanExporter, parcels: Parcels
) -> None:
    with tracing.span("order", None, {}) as passed_on, Client(parcels.dsn) as client:
        client.create("parcel", "p-1")
    parcels.create("p-2")
    query = "select trace from pawl.outbox order by effect_id"
    assert parcels.connection.execute(query).fetchall() == [(passed_on,), (None,)]


def test_without_opentelemetry_the_trace_is_passed_on_as_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "HAS_OTEL", False)
    with tracing.span("effect mail", PARENT, {}) as passed_on:
        assert passed_on == PARENT
    tracing.note(OSError())
    assert tracing.traceparent() is None
