"""That each of the watch's contenders runs, at a tiny size, and that all do the same work. No figure is asserted."""

from pathlib import Path

import pytest

from tests.bench import watch
from tests.bench.contenders import Contender, contenders
from tests.bench.measurement import AbsentError, BenchError, Findings, Ground, Size, default_cache
from tests.conftest import ABSENT

NAMES = [contender.name for contender in contenders()]


@pytest.fixture(scope="module")
def ground(kafka_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("bench"), kafka_jars, default_cache(), 1, Size.TINY, 1, print)


@pytest.fixture(scope="module")
def found(ground: Ground) -> Findings:
    return watch.measure(ground)


def here(ground: Ground, contender: Contender) -> None:
    try:
        contender.prepare(ground)
    except AbsentError as error:
        pytest.skip(f"what {contender.name} needs {ABSENT}: {error}")


@pytest.mark.kafka
@pytest.mark.parametrize("contender", contenders(), ids=NAMES)
def test_each_contender_runs_over_the_whole_log_and_says_what_is_late(ground: Ground, found: Findings, contender: Contender) -> None:
    here(ground, contender)

    assert f"watch, {contender.name}" not in found.missing
    (lap,) = found.details["laps"][contender.name]
    assert 0 < lap["events"] < found.details["events"]
    assert lap["seconds"] > 0
    assert lap["peak_mb"] > 0
    assert lap["verdicts"] > 0


@pytest.mark.kafka
def test_by_our_rules_faust_changes_nothing_of_what_is_said_and_the_others_agree_among_themselves(ground: Ground, found: Findings) -> None:
    for contender in contenders():
        here(ground, contender)
    said = {name: laps[0]["verdicts"] for name, laps in found.details["laps"].items()}

    assert said["ours"] == said["ceiling"]
    assert len({said[name] for name in NAMES if name not in ("ours", "ceiling")}) == 1, said


@pytest.mark.kafka
def test_all_figures_of_the_watch_are_measured(ground: Ground, found: Findings) -> None:
    for contender in contenders():
        here(ground, contender)

    assert not found.missing
    assert set(found.figures) == set(watch.MEASUREMENT.keys)


@pytest.mark.kafka
def test_an_unknown_contender_is_named_with_those_that_are_known(kafka_jars: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no contender is named spark: ours, "):
        watch.measure(Ground(tmp_path, kafka_jars, default_cache(), 1, Size.TINY, 1, print, ["spark"]))
