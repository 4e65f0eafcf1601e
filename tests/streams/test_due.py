"""When each application has to be looked at next: a pulse costs what is due, not what is open."""

from random import Random

from schemas.instants import SECOND_US, from_text
from streams.clocks import Clocks
from streams.due import DueIndex
from tests.streams.story import Log, Story, shown, token_of

A, B, C = (token_of(seed).encode() for seed in (1, 2, 3))
NOON = "2026-04-01 12:00"


class Index(DueIndex):
    """With what the records would say."""

    def __init__(self) -> None:
        super().__init__()
        self.now: dict[bytes, int | None] = {}

    def set(self, token: bytes, due_us: int | None, vendors: tuple[str, ...] = ()) -> None:
        self.now[token] = due_us
        if due_us is not None:
            self.put(token, due_us, vendors)

    def due(self, clocks: Clocks) -> list[bytes]:
        return self.take_due(clocks, self.now.get)


def noon() -> Log:
    """Every feed is read through noon, but for plaza's: through 11:00."""
    log = Log()
    log.clock(NOON, plaza="2026-04-01 11:00")
    return log


def test_only_what_the_clock_has_passed_is_due() -> None:
    clocks = noon().partition.clocks
    at = clocks.of(["tokiwa"])
    index = Index()
    index.set(A, at - 1, ("tokiwa",))
    index.set(B, at, ("tokiwa",))
    index.set(C, at + 1, ("tokiwa",))
    assert index.due(clocks) == [A]  # an instant is passed after it, not at it
    assert len(index) == 2


def test_what_was_taken_is_not_due_again() -> None:
    clocks = noon().partition.clocks
    index = Index()
    index.set(A, 0)
    assert index.due(clocks) == [A]
    assert index.due(clocks) == []


def test_each_application_is_due_by_the_clock_of_its_own_vendors() -> None:
    clocks = noon().partition.clocks
    index = Index()
    between = clocks.of(["plaza"]) + 1
    index.set(A, between, ("plaza",))
    index.set(B, between, ("tokiwa",))
    index.set(C, between, ("plaza", "tokiwa"))
    assert index.due(clocks) == [B]


def test_a_new_due_instant_replaces_the_old_one() -> None:
    clocks = noon().partition.clocks
    index = Index()
    index.set(A, 0)
    index.set(A, clocks.of([]) + 1)
    assert index.due(clocks) == []
    assert index.first(index.now.get) == clocks.of([]) + 1


def test_what_is_put_off_stays_where_it_was_until_it_surfaces() -> None:
    clocks = noon().partition.clocks
    at = clocks.of([])
    index = Index()
    for token in (A, B, C):
        index.set(token, 0)
    index.now |= {A: at - 1, B: at + 1, C: None}  # news that put off what is due tell the index nothing

    assert index.count(at, index.now.get) == 1
    assert index.due(clocks) == [A]
    assert index.first(index.now.get) == at + 1
    assert len(index) == 1


def test_what_is_put_off_shortly_before_it_was_due_is_due_then() -> None:
    log, index = noon(), Index()
    at = log.partition.clocks.of(["tokiwa"])
    index.set(A, at, ("tokiwa",))
    assert index.due(log.partition.clocks) == []  # its hour has come
    index.now[A] = at + 7_200 * SECOND_US
    for time in ("2026-04-01 12:30", "2026-04-01 14:00"):
        log.clock(time)
        assert index.due(log.partition.clocks) == []
    log.clock("2026-04-01 14:01")
    assert index.due(log.partition.clocks) == [A]


def test_the_first_instant_is_that_of_a_record_which_was_put_off() -> None:
    index = Index()
    index.set(A, 5)
    index.set(B, 6)
    index.now |= {A: 9, B: 8}
    assert index.first(index.now.get) == 8
    index.now[A] = None
    assert index.first(index.now.get) == 8
    index.set(B, 3)
    assert index.first(index.now.get) == 3


def test_what_was_added_for_nothing_leaves_the_index_with_its_queue() -> None:
    index = Index()
    for number in range(200):
        index.set(A, number, ("plaza",))
    index.set(A, None)
    index.tidy(0, index.now.get)
    assert len(index) == 0


def test_what_has_an_instant_again_is_due_once() -> None:
    clocks = noon().partition.clocks
    index = Index()
    index.set(A, 0)
    index.set(A, 1)
    index.set(A, 0)
    assert index.due(clocks) == [A]


def test_an_application_of_which_another_vendor_has_spoken_waits_for_its_clock_too() -> None:
    log = Log()
    story = Story(log=log)
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.tokiwa("application.forwarded", "2026-04-01 10:30")
    assert story.clock("2026-04-01 16:30", tokiwa="2026-04-01 15:00") == []
    assert story.clock("2026-04-01 16:31", tokiwa="2026-04-01 15:00") == []
    assert story.clock("2026-04-01 16:32") == ["raised forward notice"]


def test_what_waits_for_nothing_leaves_the_index() -> None:
    index = Index()
    index.set(A, 5)
    index.set(A, None)
    assert index.first(index.now.get) is None
    assert len(index) == 0


def test_the_first_instant_is_the_earliest_of_all_vendors() -> None:
    index = Index()
    index.set(A, 7, ("plaza",))
    index.set(B, 5, ("tokiwa",))
    index.set(C, 6)
    assert index.first(index.now.get) == 5
    index.set(B, None)
    assert index.first(index.now.get) == 6


def test_memory_follows_what_is_open_and_not_what_has_changed() -> None:
    index = Index()
    for due in range(10_000):
        index.set(A, due)
        index.tidy(1, index.now.get)
    assert len(index) < 100
    assert index.first(index.now.get) == 9_999


def test_instants_near_and_far_come_due_each_at_its_time() -> None:
    log, chance, index = Log(), Random(5), Index()
    begin = from_text("2026-04-01T00:00:00Z")
    for seed in range(300):
        index.set(token_of(seed).encode(), begin + chance.randrange(300_000) * SECOND_US, chance.choice([(), ("plaza",), ("tokiwa",)]))
    for seed in range(0, 300, 3):  # replaced by a later one, or by the same
        index.set(token_of(seed).encode(), begin + chance.choice((seed, 100_000 + seed)) * SECOND_US, ("plaza",))

    left = {token: due_us for token, due_us in index.now.items() if due_us is not None}
    for hours in (1, 2, 5, 30, 31, 84):
        log.clock(f"2026-04-0{1 + (9 + hours) // 24} {(9 + hours) % 24:02d}:00")
        now_us = log.partition.clocks.of([])
        assert index.first(index.now.get) == min(left.values())
        assert index.count(now_us, index.now.get) == sum(due_us < now_us for due_us in left.values())
        assert sorted(index.due(log.partition.clocks)) == sorted(token for token, due_us in left.items() if due_us < now_us)
        left = {token: due_us for token, due_us in left.items() if due_us >= now_us}
        index.now = {token: index.now[token] for token in left}
    assert left == {}


def test_nothing_is_due_while_a_clock_stands() -> None:
    log = Log()
    log.clock(NOON, plaza=None)
    index = Index()
    index.set(A, 0, ("plaza",))
    assert index.due(log.partition.clocks) == []


def test_an_open_hop_is_due_at_its_next_limit_or_when_it_has_settled() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    assert shown(story.log.batch.first_due()) == "2026-04-01 16:00"
    story.clock("2026-04-01 16:00:01")
    assert shown(story.log.batch.first_due()) == "2026-04-02 10:00"
    story.plaza("application.uploaded", "2026-03-30 10:00", arrived="2026-04-01 17:00")
    assert shown(story.log.batch.first_due()) == "2026-04-01 17:01"


def test_a_finished_application_is_due_when_it_shrinks_and_when_it_is_forgotten() -> None:
    story = Story()
    story.city("application.voided", "2026-04-01 10:00")
    assert shown(story.log.batch.first_due()) == "2026-04-08 10:00"
    story.clock("2026-04-08 10:00:01")
    assert shown(story.log.batch.first_due()) == "2027-05-13 10:00"
    story.clock("2027-05-13 10:00:01")
    assert story.log.batch.first_due() is None


def test_a_hop_at_its_highest_level_is_due_for_nothing() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    story.clock("2026-05-01 10:00")
    assert story.held_now == {"forward:1": "breach"}
    assert story.log.batch.first_due() is None
