"""OpenTelemetry, where it is installed (`pip install 'pawl[otel]'`); without it nothing happens.

A trace goes on through the database: the setting `pawl.traceparent` of the transaction in which an
effect is enqueued is kept with it (a W3C traceparent), a worker's span continues it, and the
effect's done event is sent under it again.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

try:
    from opentelemetry import propagate, trace
except ImportError:  # the extra `otel` is not installed
    HAS_OTEL = False
else:
    HAS_OTEL = True

SETTING = "pawl.traceparent"


def traceparent() -> str | None:
    """Return the active span as a W3C traceparent; None without one."""
    if not HAS_OTEL:
        return None
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def span(
    name: str, parent: str | None, attributes: Mapping[str, str | int]
) -> AbstractContextManager[str | None]:
    """Run under a span that continues `parent`; yield the traceparent to pass on."""
    if not HAS_OTEL or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return nullcontext(parent)  # nobody records: the program has set no provider
    return _recorded(name, parent, attributes)


@contextmanager
def _recorded(
    name: str, parent: str | None, attributes: Mapping[str, str | int]
) -> Iterator[str | None]:
    context = propagate.extract({"traceparent": parent}) if parent else None
    tracer = trace.get_tracer("pawl.worker")
    with tracer.start_as_current_span(
        name, context=context, kind=trace.SpanKind.CONSUMER, attributes=attributes
    ):
        yield traceparent() or parent


def note(error: BaseException) -> None:
    """Record on the active span that it failed, and why."""
    if HAS_OTEL:
        current = trace.get_current_span()
        current.record_exception(error)
        current.set_status(trace.Status(trace.StatusCode.ERROR, str(error)))
