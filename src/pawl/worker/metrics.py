"""The counts as Prometheus reads them (`pip install 'pawl[metrics]'`)."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pawl.worker.counts import Counts


class CountsCollector(Collector):
    """Reads `Counts` whenever somebody asks."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        yield from self._effects()
        counts = self._counts
        for name, text, value in (
            ("timers_fired", "Timers that were due and dealt with", counts.timers),
            ("results_applied", "Stored results whose event was sent again", counts.results),
            ("messages_delivered", "Messages between instances", counts.messages),
            ("database_errors", "Statements that Postgres did not answer", counts.database_errors),
        ):
            yield CounterMetricFamily(f"pawl_{name}", text, value)
        yield GaugeMetricFamily("pawl_in_flight", "Handlers that run now", counts.in_flight)
        yield GaugeMetricFamily(
            "pawl_threads_left", "Handlers whose time is over and that do not return", counts.left
        )
        yield GaugeMetricFamily(
            "pawl_listening", "1 while woken by NOTIFY, 0 while polling", int(counts.listening)
        )

    def _effects(self) -> Iterator[Metric]:
        claimed = CounterMetricFamily("pawl_claimed", "Attempts begun", labels=("effect",))
        for effect, count in self._counts.claimed.items():
            claimed.add_metric((effect,), count)
        ended = CounterMetricFamily(
            "pawl_ended", "Attempts by how they ended", labels=("effect", "outcome")
        )
        for (effect, outcome), count in self._counts.ended.items():
            ended.add_metric((effect, outcome), count)
        seconds = CounterMetricFamily(
            "pawl_handler_seconds", "Time spent in handlers", labels=("effect",)
        )
        for effect, microseconds in self._counts.seconds.items():
            seconds.add_metric((effect,), microseconds / 1_000_000)
        lag = GaugeMetricFamily(
            "pawl_lag_seconds", "Age of the effect that was claimed last", labels=("effect",)
        )
        for effect, age in self._counts.lag.items():
            lag.add_metric((effect,), age)
        yield from (claimed, ended, seconds, lag)


def serve(counts: Counts, port: int) -> int:
    """Answer on this port, of all addresses, from a thread; return the port. Raises OSError."""
    registry = CollectorRegistry()
    registry.register(CountsCollector(counts))
    server, _ = start_http_server(port, registry=registry)
    return int(server.server_port)
