"""The truth of a scenario: from what happened, and what a judge has to find by itself."""

import msgspec
import pytest

from schemas.identity import token
from schemas.instants import SECOND_US, from_text, to_text
from streams.gate import Gate
from streams.hearing import Told
from streams.judge import FileJudge, Said, verdict_line
from streams.lives import Leg, Life, Step
from streams.parties import load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.settings import Settings
from streams.stalls import OPEN
from streams.story import Story, key_of
from streams.truth import TruthRow, figures, truth

FILES = Settings.model_construct()
KEY = key_of(0)


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(FILES.policy)


@pytest.fixture(scope="module")
def soka(policies: Policies) -> Story:
    return Story(load_scenario("soka"), policies, 1)


def one_hop(story: Story, entered: str, closed: str, *, arrived: str | None = None, known: int = 2) -> TruthRow:
    """The truth of an application with nothing but the forward hop; times of May 2026, Japan."""
    kiosk = story.scenario.kiosks[0]
    entered_us, closed_us = (from_text(f"2026-05-{text}+09:00") for text in (entered, closed))
    arrived_us = from_text(f"2026-05-{arrived}+09:00") if arrived else entered_us + SECOND_US
    steps = (Step("application.uploaded", entered_us), Step("application.received", closed_us))
    life = Life("0" * 23, kiosk, kiosk.municipality, steps, (Leg("forward", 1, 0, 1),))
    (row,) = truth(story.world, [Told(life, (arrived_us, closed_us + SECOND_US)[:known])], KEY)
    return row


@pytest.mark.parametrize(
    ("closed", "verdict", "level"),
    [
        ("01T16:00:00", "in_time", None),  # 6 h: at the limit is in time
        ("01T16:00:01", "late", "notice"),
        ("02T10:00:00", "late", "notice"),  # 24 h
        ("02T10:00:01", "late", "warn"),
        ("04T10:00:00", "late", "warn"),  # 72 h
        ("04T10:00:01", "late", "breach"),
    ],
)
def test_a_closed_hop_has_the_highest_limit_that_it_passed(soka: Story, closed: str, verdict: str, level: str | None) -> None:
    row = one_hop(soka, "01T10:00:00", closed)
    assert (row.verdict, row.level) == (verdict, level)
    assert (row.entered_at, row.closed_at) == ("2026-05-01T01:00:00Z", to_text(from_text(f"2026-05-{closed}+09:00")))


@pytest.mark.parametrize(
    ("entered", "level"),
    [
        ("14T18:00:00", None),  # at 24:00 of the 14th, 6 h: the limit is not passed yet
        ("14T17:59:59", "notice"),
        ("13T23:59:59", "warn"),
        ("11T23:59:59", "breach"),
    ],
)
def test_an_open_hop_has_the_highest_limit_passed_at_the_end(soka: Story, entered: str, level: str | None) -> None:
    row = one_hop(soka, entered, "20T10:00:00", known=1)
    assert (row.verdict, row.closed_at, row.level) == ("open", None, level)


@pytest.mark.parametrize(("arrived", "level"), [("14T23:58:59", "notice"), ("14T23:59:01", None)])
def test_what_was_heard_less_than_a_minute_before_the_end_has_not_settled(soka: Story, arrived: str, level: str | None) -> None:
    assert one_hop(soka, "14T10:00:00", "20T10:00:00", arrived=arrived, known=1).level == level


def test_a_hop_whose_beginning_was_never_heard_of_has_no_row(soka: Story) -> None:
    with pytest.raises(ValueError, match="not enough values"):
        one_hop(soka, "14T23:59:59", "20T10:00:00", known=0)


def test_one_row_per_application_hop_and_attempt_with_its_own_token(soka: Story) -> None:
    rows = [msgspec.json.decode(line) for line in soka.truth_lines()]
    assert {tuple(row) for row in rows} == {("subject", "token", "hop", "attempt", "entered_at", "closed_at", "verdict", "level")}
    assert len({(row["subject"], row["hop"], row["attempt"]) for row in rows}) == len(rows)
    assert all(row["token"] == token(soka.key, row["subject"]) for row in rows)
    assert {row["verdict"] for row in rows} == {"in_time", "late", "open"}
    assert max(row["attempt"] for row in rows) >= 2


def test_only_the_held_are_late_and_nothing_else_is_anywhere_near(soka: Story) -> None:
    vendors = {told.life.subject: told.life.kiosk.vendor for told in soka.told}
    late = [row for row in soka.truth if row.level is not None]
    assert {(row.hop, row.verdict, vendors[row.subject]) for row in late} == {("forward", "late", "plaza")}
    assert {row.level for row in late} == {"notice", "warn", "breach"}


def test_the_figures_of_soka(soka: Story) -> None:
    assert soka.figures == {
        "held": 193,
        "raised": 193,
        "first_notice_after_s": 6 * 3_600,
        "first_breach_after_s": 72 * 3_600,
        "cleared": 193,
        "false_alarms": 0,
    }


def test_the_figures_count_a_stall_that_is_still_open_as_raised_only(soka: Story, policies: Policies) -> None:
    rows = [one_hop(soka, "01T10:00:00", "02T12:00:00"), one_hop(soka, "13T10:00:00", "20T10:00:00", known=1)]
    assert figures(rows, policies, "forward") == {
        "held": 1,
        "raised": 2,
        "first_notice_after_s": 6 * 3_600,
        "first_breach_after_s": None,  # neither waited for 72 h
        "cleared": 1,
        "false_alarms": 0,
    }
    assert figures(rows, policies, "upload")["first_notice_after_s"] is None


def test_the_breach_may_be_anothers_than_the_first(soka: Story, policies: Policies) -> None:
    # 1 May 10:00 to 17:00: notice. 2 May 10:00 to 6 May: breach on the 5th, 96 h after the first of all
    rows = [one_hop(soka, "01T10:00:00", "01T17:00:00"), one_hop(soka, "02T10:00:00", "06T10:00:00")]
    assert figures(rows, policies, "forward")["first_breach_after_s"] == 96 * 3_600


@pytest.mark.parametrize(("held", "seed"), [(193, 1), (57, 9), (1, 1)])
def test_a_judge_who_reads_only_the_events_finds_the_truth_and_accuses_nobody_else(policies: Policies, held: int, seed: int) -> None:
    story = Story(load_scenario("soka", held=held), policies, seed)
    gate, judge = Gate(policies, load_parties(FILES.parties), story.key), FileJudge(policies)
    said: list[Said] = []
    for line in story.event_lines():
        said += judge.feed(gate.admit_line(line.strip(), origin="events.ndjson:1"))
    said += judge.finish(story.world.ends_us)
    subjects = {row.token: row.subject for row in story.truth}
    found = [verdict_line(verdict, subjects[verdict.token]) for verdict in judge.verdicts()]
    assert sorted(found) == sorted(line.strip() for line in story.truth_lines())
    transitions = [msgspec.json.decode(value)["data"] for _, _, value in said]
    assert {(each["hop"], each["vendor"]) for each in transitions} == {("forward", "plaza")}
    assert sum(each["kind"] == "raised" for each in transitions) == held
    assert sum(each["kind"] == "cleared" for each in transitions) == held
    assert {each["kind"] for each in transitions} <= OPEN | {"cleared"}
