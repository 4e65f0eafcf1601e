"""That each bench runs, at a tiny size. No figure is asserted: it would say something of the machine, not of the code."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.records import PULSE_KEY, REFUSAL_KEY
from tests.bench import growth, intake, latency, ledger, pipeline, rules
from tests.bench.measurement import KEYS, BenchError, Ground, Size, default_cache, measurements

MakeGround = Callable[..., Ground]


@pytest.fixture
def ground(kafka_jars: Path, tmp_path: Path) -> MakeGround:
    def make(*contenders: str) -> Ground:
        return Ground(tmp_path, kafka_jars, default_cache(), 1, Size.TINY, 1, print, contenders)

    return make


@pytest.mark.kafka
def test_intake_is_measured_beside_a_copy_loop(ground: MakeGround) -> None:
    found = intake.measure(ground())

    assert found.figures["intake_vs_copy"] > 0
    assert found.details["laps"].keys() == {"intake", "copy"}
    for (lap,) in found.details["laps"].values():
        assert 0 < lap["events"] < found.details["events"]


class Written(NamedTuple):
    """A record of ``custody-log``."""

    kind: bytes
    text: bytes

    def key(self) -> bytes:
        return self.kind

    def value(self) -> bytes:
        return self.text


def events(*origins: int) -> list[Written]:
    return [Written(b"token", b'{"type":"x","origin":"jlis-events:0:%d"}' % origin) for origin in origins]


def test_intakes_figure_counts_where_every_record_that_was_sent_became_one_event() -> None:
    pulse, refusal = Written(PULSE_KEY, b'{"at":"x"}'), Written(REFUSAL_KEY, b'{"reason":"x"}')

    intake.check_admitted([*events(0, 1), pulse, *events(2)], 3)
    with pytest.raises(BenchError, match="of 3 records intake made 2 events, 2 of them different ones, and 0 refusals"):
        intake.check_admitted([*events(0, 1), pulse], 3)
    with pytest.raises(BenchError, match="made 3 events, 2 of them different ones"):
        intake.check_admitted(events(0, 1, 1), 3)
    with pytest.raises(BenchError, match="made 4 events"):
        intake.check_admitted(events(0, 1, 2, 2), 3)
    with pytest.raises(BenchError, match="and 1 refusals"):
        intake.check_admitted([*events(0, 1), refusal], 3)
    intake.check_copied(events(0, 1), 2)
    with pytest.raises(BenchError, match="of 3 records the copy loop wrote 2"):
        intake.check_copied(events(0, 1), 3)


@pytest.mark.kafka
def test_the_ledger_is_measured_beside_faust_s_own_recovery(ground: MakeGround) -> None:
    found = ledger.measure(ground())

    assert found.figures.keys() == set(ledger.MEASUREMENT.keys)
    assert min(found.figures.values()) > 0
    assert [load["applications"] for load in found.details["loads"]] == [found.details["open"]]
    assert len(found.details["bursts_s"]) == ledger.BURSTS


@pytest.mark.kafka
def test_the_time_from_a_limit_to_its_transition_is_measured_under_load(ground: MakeGround) -> None:
    found = latency.measure(ground())

    (at,) = found.details
    assert at["events_per_s"] == 200
    assert at["transitions"] >= latency.WINDOW_S[Size.TINY] * latency.HELD_PER_S - 2
    assert 0 < at["p50_ms"] <= at["p99_ms"] == pytest.approx(found.figures["latency_p99_ms"], abs=0.1)


@pytest.mark.kafka
def test_the_pipeline_is_measured_at_a_rate_that_it_sustains_or_does_not(ground: MakeGround) -> None:
    found = pipeline.measure(ground())

    (tried,) = found.details
    assert tried["rate"] == 200
    assert tried["cores"].keys() == {"Kafka node 1", "intake", "watch", "history", "the sender"}
    assert found.figures["pipeline_events_per_s"] == (200 if tried["sustained"] else 0)


def test_a_rate_that_no_stage_can_keep_up_with_is_not_sustained() -> None:
    held_up = dict.fromkeys(pipeline.AGES, 0.0) | {"watch": 0.3}
    tried = pipeline.Try(1_000, 1_000.0, held_up, held_up, {})

    assert not tried.sustained
    assert tried._replace(slope=dict.fromkeys(pipeline.AGES, 0.0)).sustained
    assert not tried._replace(slope=dict.fromkeys(pipeline.AGES, 0.0), sent_per_s=900.0).sustained


def test_the_highest_rate_is_looked_for_between_one_that_is_sustained_and_one_that_is_not() -> None:
    numbers, steady = pipeline.NUMBERS[Size.FULL], dict.fromkeys(pipeline.AGES, 0.0)
    yes = pipeline.Try(9_000, 9_000.0, steady, steady, {})
    no = yes._replace(rate=12_000, sent_per_s=12_000.0, slope=steady | {"history": 0.2})

    assert pipeline._next([yes], numbers) == 12_000
    assert pipeline._next([no], numbers) == 9_000
    assert pipeline._next([yes, no], numbers) == 10_400
    assert pipeline._next([yes, no._replace(rate=9_500)], numbers) is None


def test_how_cost_grows_is_measured_without_a_broker(tmp_path: Path) -> None:
    found = growth.measure(Ground(tmp_path, tmp_path, tmp_path, 1, Size.TINY, 1, print))

    assert found.figures["pulse_ms"] > 0
    assert [point["open"] for point in found.details] == [1_000, 2_000]


def test_the_rules_are_measured_with_and_without_their_short_cut(tmp_path: Path) -> None:
    found = rules.measure(Ground(tmp_path, tmp_path, tmp_path, 1, Size.TINY, 1, print))

    assert len(found.details["costs"]) == 2
    assert found.details["short_cuts"] > 0.5


def test_every_key_that_is_measured_is_one_of_the_closing_line_and_measured_once() -> None:
    keys = [key for measurement in measurements() for key in measurement.keys]

    assert len(keys) == len(set(keys))
    assert set(keys) <= set(KEYS)
