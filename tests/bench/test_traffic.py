"""The traffic that the bench runs over is as its page says."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from schemas.codec import decode_event
from streams.settings import Settings
from tests.bench.custody import PULSE_EVERY, Stretch, stretches


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text("a key of the bench, at least as long as 32 bytes")
    return Settings(key_file=key)


def some(settings: Settings, seed: int, in_flight: int = 200, stretch_count: int = 8) -> list[Stretch]:
    return list(islice(stretches(settings, seed, in_flight, 4), stretch_count))


def test_the_same_seed_gives_the_same_log_and_another_one_another(settings: Settings) -> None:
    assert some(settings, 1) == some(settings, 1)
    assert some(settings, 1) != some(settings, 2)


def test_an_application_has_about_twelve_events_of_300_to_400_bytes_and_as_many_are_in_flight_as_asked_for(settings: Settings) -> None:
    events = [line for stretch in some(settings, 1, 400, 24) for line in stretch.events]

    assert 300 <= sum(len(line.value) for line in events) / len(events) <= 400
    per_application, seen, open_now = Counter(line.key for line in events), list[int](), set[bytes]()
    for line in events:
        kind = decode_event(line.value).type
        open_now = open_now - {line.key} if kind.endswith("card.handed_over") else open_now | {line.key}
        seen.append(len(open_now))
    assert sum(per_application.values()) == len(events) == 24 * PULSE_EVERY
    begun_early = {line.key for line in events[: len(events) // 4]}  # whose last event is told, too
    assert 11 <= sum(per_application[key] for key in begun_early) / len(begun_early) <= 13
    assert 300 <= sum(seen[len(seen) // 2 :]) / (len(seen) / 2) <= 600


def test_each_pulse_brings_a_mark_of_its_own(settings: Settings) -> None:
    made = some(settings, 1, 20_000)

    assert len({stretch.bucket for stretch in made}) == len(made)
    assert [len(stretch.pulses) for stretch in made] == [4] * len(made)
