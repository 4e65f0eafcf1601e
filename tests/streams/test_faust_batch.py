"""A run of a partition's records as one message to Faust."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.faust_batch import RUN_LENGTH, BatchConsumer, _message, even_runs


def record(offset: int) -> SimpleNamespace:
    return SimpleNamespace(topic="a", partition=3, offset=offset, timestamp=1_000 * offset, timestamp_type=0, key=None, value=b"x")


def test_a_run_is_one_message_at_the_offset_of_its_last_record() -> None:
    run = [record(5), record(6), record(9)]  # markers leave gaps

    message = _message(TP("a", 3), run, generation=4)

    assert (message.topic, message.partition, message.offset, message.timestamp) == ("a", 3, 9, 9.0)
    assert (message.value, message.generation_id, message.tp) == (run, 4, TP("a", 3))


def test_a_fetch_is_cut_into_few_even_runs() -> None:
    assert even_runs([]) == []
    assert even_runs([1]) == [[1]]
    assert list(map(len, even_runs([0] * RUN_LENGTH))) == [RUN_LENGTH]

    fetched = list(range(2 * RUN_LENGTH + 1))
    runs = even_runs(fetched)

    assert [record for run in runs for record in run] == fetched
    assert len(runs) == 3
    assert max(map(len, runs)) - min(map(len, runs)) <= 1


class Scripted(BatchConsumer):
    """Whose broker has these fetches, one after the other; everything else of a consumer is left away."""

    def __init__(self, *fetches: list[SimpleNamespace]) -> None:
        self.fetches, self.asked = [*fetches], 0
        self.app = SimpleNamespace(consumer_generation_id=1)  # type: ignore[assignment]
        self.delivered, self.stops, self._ahead, self.flow_active = {}, 0, None, True
        self.can_resume_flow, self.suspend_flow = asyncio.Event(), asyncio.Event()

    @property
    def should_stop(self) -> bool:
        return False

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        self.asked += 1
        return ({TP("a", 3): self.fetches.pop(0)} if self.fetches else {}), None


async def given(consumer: Scripted) -> list[list[int]]:
    """The offsets of each run of the next fetch."""
    return [[record.offset for record in message.value] async for _, message in consumer.getmany(1.0)]


def test_the_next_fetch_is_under_way_before_the_last_run_is_judged() -> None:
    async def read() -> None:
        consumer = Scripted([record(1), record(2)], [record(3)])
        async for _, message in consumer.getmany(1.0):
            await asyncio.sleep(0)
            assert (len(message.value), consumer.asked) == (2, 2)
        assert consumer.delivered == {3: 3}
        assert await given(consumer) == [[3]]
        assert await given(consumer) == []

    asyncio.run(read())


@pytest.mark.parametrize("again", [False, True])
def test_what_was_fetched_ahead_of_a_rebalance_is_nobodys(again: bool) -> None:
    """It lies before where the next assignment seeks to, or is another's; also if the same process goes on."""

    async def read() -> None:
        consumer = Scripted([record(1)], [record(2)], [record(1)])
        assert await given(consumer) == [[1]]
        await asyncio.sleep(0)  # record 2 has been fetched
        consumer.stop_flow()
        if again:
            consumer.app.consumer_generation_id = 2
        consumer.resume_flow()  # and record 1 was sought, since it had not been committed
        assert await given(consumer) == []
        assert await given(consumer) == [[1]]

    asyncio.run(read())


def test_what_arrives_as_the_flow_stands_still_is_nobodys() -> None:
    async def read() -> None:
        consumer = Scripted([record(1)], [record(1)])
        consumer.stop_flow()
        assert await given(consumer) == []
        consumer.resume_flow()
        assert await given(consumer) == [[1]]

    asyncio.run(read())
