"""The Soka case as it is told: what was sent, by whom, when."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.events import PublicEvent
from schemas.identity import municipality_ok
from schemas.instants import SECOND_US, from_text
from streams.deadlines import due_us, in_force
from streams.gate import Gate
from streams.lives import Life
from streams.parties import load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import FOLDER as SCENARIOS
from streams.scenario import ScenarioError, load_scenario
from streams.settings import Settings
from streams.story import Story, key_of

FILES = Settings.model_construct()
HOUR_US = 3_600 * SECOND_US


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(FILES.policy)


@pytest.fixture(scope="module")
def soka(policies: Policies) -> Story:
    return Story(load_scenario("soka"), policies, 1)


def events(story: Story, name: str) -> Iterable[PublicEvent]:
    return (tiding.event for tiding in story.tidings if tiding.event.type.endswith(name))


def rewritten(folder: Path, part: str, instead: str) -> str:
    """A file with the Soka case, one part of it replaced."""
    text = (SCENARIOS / "soka.yaml").read_text(encoding="utf-8")
    assert part in text
    file = folder / "rewritten.yaml"
    file.write_text(text.replace(part, instead, 1), encoding="utf-8")
    return str(file)


def held(story: Story) -> list[Life]:
    return [told.life for told in story.told if told.life.kiosk.vendor == "plaza"]


def test_193_applications_wait_from_april_to_the_14th_of_may(soka: Story) -> None:
    uploaded = {event.subject: from_text(event.time or "") for event in events(soka, "uploaded") if event.speaker == "plaza"}
    received = {event.subject: event.time or "" for event in events(soka, "received")}
    assert len(uploaded) == 193
    assert all(received[subject].startswith("2026-05-14T") for subject in uploaded)
    # 6:00 the forward hop's notice, 6:30 the least that each of them waits
    assert min(from_text(received[subject]) - at_us for subject, at_us in uploaded.items()) >= 6.5 * HOUR_US


def test_the_first_is_held_on_the_first_of_april_and_the_last_on_the_13th_of_may(soka: Story) -> None:
    days = sorted(event.time[:10] for event in events(soka, "submitted") if event.speaker == "plaza" and event.time)
    assert (days[0], days[-1]) == ("2026-04-01", "2026-05-13")
    # 2 to 6 May: weekend and Golden Week, the city hall is closed
    assert not {day for day in days if "2026-05-02" <= day <= "2026-05-06"}
    assert len(set(days)) <= 27


def test_the_release_keeps_the_order_in_which_they_came(soka: Story) -> None:
    released = [life.steps[2].at_us for life in held(soka)]
    assert [life.steps[2].milestone for life in held(soka)] == ["application.received"] * 193
    assert released == sorted(released)


@pytest.mark.parametrize(("count", "seed"), [(0, 4), (1, 1), (2, 8), (57, 9), (500, 3)])
def test_any_number_can_be_held(policies: Policies, count: int, seed: int) -> None:
    story = Story(load_scenario("soka", held=count), policies, seed)
    waits = [life.steps[2].at_us - life.steps[1].at_us for life in held(story)]
    assert len(waits) == count
    assert all(wait_us >= 6.5 * HOUR_US for wait_us in waits)


def noticed(story: Story) -> list[tuple[str, str]]:
    """Kiosk and hop of each healthy stall: where a hop's last is heard of after its notice limit, or not by a day after the end."""
    found = []
    for told in story.told:
        for leg in told.life.legs:
            if leg.opened < len(told.arrived_us) and not (leg.hop == "forward" and told.life.kiosk.vendor == "plaza"):
                entered_us = told.life.steps[leg.opened].at_us
                policy = in_force(story.policies, entered_us)
                hop = policy.hops[leg.hop]
                notice_us = due_us(hop, hop.limits[0][1], entered_us, policy) or 0
                ended = leg.ended < len(told.arrived_us)
                if notice_us <= (told.arrived_us[leg.ended] if ended else story.world.ends_us + 24 * HOUR_US):
                    found.append((told.life.kiosk.kiosk, leg.hop))
    return found


def test_no_healthy_hop_reaches_its_notice_limit_not_even_as_it_is_heard_of(soka: Story) -> None:
    assert not noticed(soka)


def test_the_end_of_the_scenario_makes_no_healthy_hop_look_stalled(tmp_path: Path, policies: Policies) -> None:
    """The clock runs on past the end: what was sent at 21:00 and takes hours would fall due unheard of."""
    slow = rewritten(tmp_path, "{median: 600, p99: 5400}", "{median: 10800, p99: 18000}")
    story = Story(load_scenario(slow), policies, 1)
    assert not noticed(story)
    assert "2026-05-14" in {(event.time or "")[:10] for event in events(story, "submitted")}


def test_every_hop_is_open_somewhere_or_was(soka: Story, policies: Policies) -> None:
    assert {row.hop for row in soka.truth} == set(policies.newest.hops)


def test_six_healthy_booths_of_two_other_vendors_in_several_cities(soka: Story) -> None:
    healthy = [told.life.kiosk for told in soka.told if told.life.kiosk.vendor != "plaza"]
    booths = Counter(booth.kiosk for booth in healthy)
    assert len(booths) == 6
    assert {booth.vendor for booth in healthy} == {"tokiwa", "minato"}
    assert len({booth.municipality for booth in healthy}) >= 4
    # 7 a day on 28 business days, or on all 44: a Poisson draw stays within a third of it
    assert all(130 < count < 410 for count in booths.values())


def test_some_applicants_live_in_another_city_than_the_kiosks(soka: Story) -> None:
    pairs = {(event.data.kiosk_municipality, event.data.residence_municipality) for event in events(soka, "submitted")}
    assert ("131041", "112216") in pairs
    assert all(municipality_ok(code or "") for pair in pairs for code in pair)


def test_some_are_returned_and_most_of_them_come_back_to_the_same_kiosk(soka: Story) -> None:
    first = {event.subject: event.source for event in events(soka, "submitted")}
    returned = {event.subject for event in events(soka, "returned")}
    again = {event.subject: event.source for event in events(soka, "resubmitted")}
    assert 0.03 <= len(returned) / len([*events(soka, "accepted")]) <= 0.08
    assert len(again) > len(returned) / 2
    assert again.items() <= first.items()


def test_events_stand_by_arrival_in_whole_milliseconds_and_never_before_they_happen(soka: Story) -> None:
    arrivals = [from_text(tiding.event.received or "") for tiding in soka.tidings]
    assert arrivals == sorted(arrivals) == [tiding.arrived_us for tiding in soka.tidings]
    assert all(arrived_us % 1_000 == 0 for arrived_us in arrivals)
    assert all(from_text(tiding.event.time or "") < tiding.arrived_us for tiding in soka.tidings)
    assert from_text("2026-04-01T00:00:00+09:00") <= arrivals[0] <= arrivals[-1] < from_text("2026-05-15T00:00:00+09:00")


def test_every_source_that_speaks_is_alive_every_day(soka: Story) -> None:
    alive = defaultdict(set)
    for event in events(soka, "source.heartbeat"):
        alive[event.source].add((event.time or "")[:10])
    assert {event.source for event in events(soka, "") if event.subject} <= set(alive)
    assert min(map(len, alive.values())) >= 43
    assert {"/vendors/plaza/kiosks/SOKA-01", "/vendors/plaza/server", "/j-lis/acceptance", "/municipalities/112216/counter"} <= set(alive)


def test_some_files_come_twice_and_a_copy_says_the_same(soka: Story) -> None:
    seen = defaultdict(list)
    for tiding in soka.tidings:
        seen[tiding.event.source, tiding.event.id].append(tiding.event)
    twice = [copies for copies in seen.values() if len(copies) > 1]
    assert len(twice) > 10
    for first, second in twice:
        assert (first.source, first.type, first.time, first.data) == (second.source, second.type, second.time, second.data)


def test_some_events_are_overtaken_by_the_next_one(soka: Story) -> None:
    overtaken = [told for told in soka.told if any(a > b for a, b in zip(told.arrived_us, told.arrived_us[1:], strict=False))]
    assert len(overtaken) > 10


def test_nobody_at_the_gate_objects(soka: Story, policies: Policies) -> None:
    gate = Gate(policies, load_parties(FILES.parties), soka.key)
    speakers = {gate.admit_line(line.strip(), origin="events.ndjson:1").role for line in soka.event_lines()}
    assert speakers == {"vendor", "j-lis", "municipality"}


def test_the_same_seed_tells_the_same_bytes(soka: Story, policies: Policies) -> None:
    again = Story(load_scenario("soka"), policies, 1)
    assert b"".join(again.event_lines()) == b"".join(soka.event_lines())
    assert b"".join(again.truth_lines()) == b"".join(soka.truth_lines())
    assert again.key == soka.key


def test_another_seed_tells_of_other_applications(soka: Story, policies: Policies) -> None:
    other = Story(load_scenario("soka"), policies, 2)
    assert not {told.life.subject for told in other.told} & {told.life.subject for told in soka.told}
    assert other.key != soka.key
    assert len(key_of(1)) >= 32


def test_how_many_are_held_changes_nothing_at_the_other_booths(soka: Story, policies: Policies) -> None:
    fewer = Story(load_scenario("soka", held=3), policies, 1)
    healthy, others = ([told.life for told in story.told if told.life.kiosk.vendor != "plaza"] for story in (soka, fewer))
    assert healthy == others


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'sokka'.*known: .*soka"):
        load_scenario("sokka")


def test_fewer_than_none_cannot_be_held() -> None:
    with pytest.raises(ScenarioError, match="-1 applications"):
        load_scenario("soka", held=-1)


@pytest.mark.parametrize(
    ("part", "instead", "wrong"),
    [
        ("per_day: 7,", "per_dya: 7,", r"unknown field `per_dya` - at `\$\.kiosks\[1\]`"),
        ("opening: shop", "opening: shopp", "there is no opening 'shopp'"),
        ("says: [application.uploaded]", "says: []", "no voice says 'application.uploaded'"),
        ("kiosk: SOKA-01\n  hop: forward", "kiosk: SOKA-02\n  hop: forward", "there is no kiosk 'SOKA-02'"),
        ("hop: forward\n", "hop: backward\n", "no way goes through 'backward'"),
        ("first: application.submitted", "first: card.issued", "no way begins with 'card.issued'"),
        ("{median: 2, p99: 20}", "{median: 2}", "expected median with p95 or p99"),
        ("begins: 2026-04-01", "begins: 1 April", r"Invalid RFC3339 encoded date - at `\$\.begins`|Expected `date`"),
        ("scenario: soka", "scenario: [", "while parsing"),
    ],
)
def test_a_mistake_in_a_scenario_is_named(tmp_path: Path, part: str, instead: str, wrong: str) -> None:
    file = rewritten(tmp_path, part, instead)
    with pytest.raises(ScenarioError, match=wrong) as caught:
        load_scenario(file)
    assert file in str(caught.value)


def test_durations_that_would_be_noticed_are_refused(tmp_path: Path, policies: Policies) -> None:
    """A healthy application may not be stalled by how the days of its place fall."""
    # A post that brings nothing on closed days takes 4 days, and then Golden Week
    file = rewritten(tmp_path, "{least: 1, most: 3}, at: door", "{least: 4, most: 4}, at: office")
    with pytest.raises(ScenarioError, match="hop delivery: a healthy application would be noticed"):
        _ = Story(load_scenario(file), policies, 1).told
