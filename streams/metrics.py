"""What a stage counts and measures: every name in one place, in a registry of this process alone.

Names follow Prometheus: base units, ``_total`` for counters. Labels are bounded: topics, partitions, hops and codes, never anything
that a record brought. Counters and histograms are updated once per batch; gauges cost nothing until somebody asks (``gauges``).
Restarts are seen in ``process_start_time_seconds``, memory in ``process_resident_memory_bytes``: the process collector adds them.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Name = Literal[
    "tairyu_build_info",
    "tairyu_records_total",
    "tairyu_lag_records",
    "tairyu_commit_seconds",
    "tairyu_unreadable_records_total",
    "tairyu_refusals_total",
    "tairyu_deleted_unread_records_total",
    "tairyu_feed_clock_lag_seconds",
    "tairyu_feed_silence_seconds",
    "tairyu_clock_lag_seconds",
    "tairyu_watch_lag_seconds",
    "tairyu_open_applications",
    "tairyu_due_soon_applications",
    "tairyu_overdue_applications",
    "tairyu_transitions_total",
    "tairyu_ledger_load_seconds",
    "tairyu_cuts_total",
    "tairyu_rows_total",
    "tairyu_insert_seconds",
    "tairyu_history_lag_seconds",
]


class Metric(NamedTuple):
    says: str
    """A sentence for whoever sees it first at night: the HELP line."""
    labels: tuple[str, ...] = ()


METRICS: dict[Name, Metric] = {
    "tairyu_build_info": Metric("Always 1: which stage this is, of which version.", ("stage", "version")),
    "tairyu_records_total": Metric("Records read by this stage."),
    "tairyu_lag_records": Metric(
        "Readable records that this instance has not handled yet; transaction markers do not count.", ("topic", "partition")
    ),
    "tairyu_commit_seconds": Metric("Time from the first record of a transaction to its commit (intake, watch)."),
    "tairyu_unreadable_records_total": Metric("Records of our own logs that could not be read, and were skipped.", ("topic",)),
    "tairyu_refusals_total": Metric("Public records that were refused, by feed and reason.", ("topic", "reason")),
    "tairyu_deleted_unread_records_total": Metric(
        "Offsets of a public topic that its retention deleted before intake had read them: they are lost.", ("topic",)
    ),
    "tairyu_feed_clock_lag_seconds": Metric(
        "How far behind T of a feed is, in its slowest partition here: what arrived later has not been handled. +Inf: nothing is known.",
        ("topic",),
    ),
    "tairyu_feed_silence_seconds": Metric("Time since anything was heard on a feed; +Inf: never.", ("topic",)),
    "tairyu_clock_lag_seconds": Metric(
        "How far behind the clock is by which verdicts are judged: of a vendor, of the shared feeds (shared), of all (all). "
        "+Inf: it stands, since one of its inputs is unknown.",
        ("clock",),
    ),
    "tairyu_watch_lag_seconds": Metric("Age of the last pulse that the watch has handled, per partition; +Inf: none yet.", ("partition",)),
    "tairyu_open_applications": Metric("Applications with an open hop.", ("partition",)),
    "tairyu_due_soon_applications": Metric("Applications whose next limit (or whose forgetting) falls into the next hour.", ("partition",)),
    "tairyu_overdue_applications": Metric("Applications whose limit the wall clock has passed, but not their own clock.", ("partition",)),
    "tairyu_transitions_total": Metric("Transitions that were committed, by kind and hop.", ("kind", "hop")),
    "tairyu_ledger_load_seconds": Metric("Time to fence and load what was assigned, until judging goes on."),
    "tairyu_cuts_total": Metric("Ranges that were cut and kept.", ("topic",)),
    "tairyu_rows_total": Metric("Rows inserted into ClickHouse.", ("topic",)),
    "tairyu_insert_seconds": Metric("Time to insert the rows of one range and to enter it."),
    "tairyu_history_lag_seconds": Metric("Age of the last cut of the slowest partition here; +Inf: none yet.", ("topic",)),
}

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)

registry = CollectorRegistry()
ProcessCollector(registry=registry)
disable_created_metrics()  # type: ignore[no-untyped-call]


class Reading(NamedTuple):
    """One gauge, as it is now; label values in the order of ``METRICS``."""

    name: Name
    labels: tuple[str, ...]
    value: float


@cache
def counter(name: Name) -> Counter:
    return Counter(name, METRICS[name].says, METRICS[name].labels, registry=registry)


@cache
def histogram(name: Name) -> Histogram:
    return Histogram(name, METRICS[name].says, METRICS[name].labels, registry=registry, buckets=SECONDS)


def gauges(look: Callable[[], Iterable[Reading]]) -> None:
    """``look`` is called whenever somebody asks, in another thread than the stage's: it only looks, and copies what may grow meanwhile."""
    registry.register(_Looked(look))


class _Looked(Collector):
    def __init__(self, look: Callable[[], Iterable[Reading]]) -> None:
        self._look = look

    def collect(self) -> Iterable[GaugeMetricFamily]:
        families: dict[Name, GaugeMetricFamily] = {}
        for name, labels, value in self._look():
            if name not in families:
                families[name] = GaugeMetricFamily(name, METRICS[name].says, labels=METRICS[name].labels)
            families[name].add_metric(labels, value)
        return families.values()
