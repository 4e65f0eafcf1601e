"""A run of a partition's records as one message to Faust."""

from types import SimpleNamespace

from faust.types import TP

from streams.faust_batch import RUN_LENGTH, _message, even_runs


def record(offset: int) -> SimpleNamespace:
    return SimpleNamespace(topic="a", partition=3, offset=offset, timestamp=1_000 * offset, timestamp_type=0, key=None, value=b"x")


def test_a_run_is_one_message_at_the_offset_of_its_last_record() -> None:
    run = [record(5), record(6), record(9)]  # markers leave gaps

    message = _message(TP("a", 3), run, generation=4)  # type: ignore[arg-type]

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
