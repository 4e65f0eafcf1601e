"""What holds of everything that is said, whatever arrives: checked on the product's own words, without the oracle's judgement."""

from collections import defaultdict

from hypothesis import given

from schemas.events import Event
from schemas.instants import from_text
from schemas.records import Pulse
from streams.judge import LogJudge
from tests.oracle.judge import Oracle
from tests.oracle.sayings import LATE_KINDS, OPEN_KINDS, Saying
from tests.properties.budget import tried
from tests.properties.histories import SETS, Log, Step, told
from tests.properties.judges import PLAIN, exported, product_of, read
from tests.properties.strategies import beginnings, stories

POLICIES, VERSIONS = PLAIN
Stall = tuple[str, str, int]


def by_stall(said: list[Saying]) -> dict[Stall, list[Saying]]:
    stalls: dict[Stall, list[Saying]] = defaultdict(list)
    for one in said:
        stalls[one.token, one.hop, one.attempt].append(one)
    return stalls


def step_by_step(log: Log) -> list[tuple[Event | Pulse, list[Saying]]]:
    """Each record of the log, with what it makes the product say."""
    judge = LogJudge(POLICIES)
    answers = [read(judge.feed(text)) for text in exported(log)]
    return [(record, [one for one in said if isinstance(one, Saying)]) for record, said in zip(log, answers, strict=True)]


def lives(log: Log) -> list[Log]:
    """Once forgotten, an application begins anew, and its revisions with it: a history of less than a year has one life."""
    return [log] if not log or when(log[-1]) - when(log[0]) < 390 * 86_400_000_000 else []


def when(record: Event | Pulse) -> int:
    return from_text(record.at if isinstance(record, Pulse) else record.received)


@tried(0.4)
@given(beginning=beginnings, steps=stories())
def test_revisions_count_from_one_and_each_word_follows_from_the_last(beginning: str, steps: list[Step]) -> None:
    for log in lives(told(beginning, steps)):
        said = [one for _, answer in step_by_step(log) for one in answer]
        for stall in by_stall(said).values():
            assert [one.revision for one in stall] == list(range(1, len(stall) + 1))
            for last, one in zip([None, *stall], stall, strict=False):
                assert may_follow(last, one), (last, one)


def may_follow(last: Saying | None, one: Saying) -> bool:
    """Every clear, retraction and revision has its raise or record; at most one stall is open at a time."""
    if last is None or last.kind == "retracted":
        return one.kind in ("raised", "recorded") or (last is not None and one.kind == "retracted" and one.reason != last.reason)
    if last.kind in OPEN_KINDS:
        return one.kind in ("escalated", "revised", "cleared", "retracted")
    assert last.kind in LATE_KINDS
    return one.kind in (last.kind, "retracted")


@tried(0.4)
@given(beginning=beginnings, steps=stories())
def test_what_is_open_at_the_end_is_what_the_verdicts_call_open(beginning: str, steps: list[Step]) -> None:
    for log in lives(told(beginning, steps)):
        lines, verdicts = product_of(log, POLICIES)
        stalls = by_stall([one for one in read(lines) if isinstance(one, Saying)])
        held = {stall: said[-1].level for stall, said in stalls.items() if said[-1].kind in OPEN_KINDS}
        assert held == {(hop.token, hop.hop, hop.attempt): hop.level for hop in verdicts if hop.verdict == "open" and hop.level}


@tried(0.4)
@given(beginning=beginnings, steps=stories(sets=1))
def test_nothing_is_raised_before_its_limit_or_before_those_who_could_disprove_it_were_read(beginning: str, steps: list[Step]) -> None:
    read_through: dict[str, int] = {}
    spoken: dict[str, set[str]] = defaultdict(set)
    for record, said in [step for log in lives(told(beginning, steps)) for step in step_by_step(log)]:
        if isinstance(record, Event):
            spoken[record.subject or ""] |= {record.speaker} if record.own_feed else set()
            assert not {one.kind for one in said} & {"raised", "escalated"}
            continue
        for topic, put in record.inputs.items():
            read_through[topic] = max([read_through.get(topic, 0), *map(from_text, put.through.values())])
        for one in said:
            assert one.due < one.at
            assert one.kind in ("raised", "escalated")
            assert one.at <= min(read_through[topic] for topic in asked(spoken[one.token]))


def asked(vendors: set[str]) -> list[str]:
    """Whose feeds could disprove it: the shared ones, and those of the vendors that have spoken; of all, while none has."""
    return [topic for topic, (vendor, _) in SETS[1].items() if vendor is None or not vendors or vendor in vendors]


@tried(0.4)
@given(beginning=beginnings, steps=stories(size=12))
def test_after_the_marker_nothing_wakes_anybody(beginning: str, steps: list[Step]) -> None:
    oracle = Oracle(VERSIONS)
    for record, said in step_by_step(told(beginning, steps)):
        ended = {token for token, application in oracle.applications.items() if application.marker is not None}
        assert not ended & {one.token for one in said}
        oracle.feed([record])
