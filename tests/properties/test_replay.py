"""A replay gives the same bytes, however the log is cut into batches and wherever a worker starts again."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.records import PULSE_KEY, Applied, Pulse
from streams.partition import Partition, Record
from streams.policy import Policies
from tests.properties.budget import tried
from tests.properties.histories import Log, Step, told
from tests.properties.judges import RULED, product_of
from tests.properties.strategies import beginnings, stories

POLICIES = RULED[0]
Said = list[tuple[bytes | None, bytes]]


@tried(0.4)
@given(beginning=beginnings, steps=stories(), cuts=st.sets(st.integers(1, 15)), starts=st.sets(st.integers(1, 15)))
def test_cuts_and_restarts_change_no_byte(beginning: str, steps: list[Step], cuts: set[int], starts: set[int]) -> None:
    log = newest(told(beginning, steps), POLICIES)
    whole = [(key, value) for _, key, value in product_of(log, POLICIES)[0]]
    assert in_batches(records(log), cuts | starts, starts) == whole
    assert in_batches(records(log), set(), set()) == whole


def newest(log: Log, policies: Policies) -> Log:
    """As an intake that knows these policies would pulse."""
    version = policies.newest.version
    return [msgspec.structs.replace(record, policy=version) if isinstance(record, Pulse) else record for record in log]


def records(log: Log) -> list[Record]:
    keys = [PULSE_KEY if isinstance(record, Pulse) else (record.subject or record.speaker).encode() for record in log]
    return [(offset, key, encode(record)) for offset, (key, record) in enumerate(zip(keys, log, strict=True))]


def in_batches(log: list[Record], cuts: set[int], starts: set[int]) -> Said:
    """Each batch is committed; where a worker starts again it loads the ledger and is given the last batch a second time."""
    partition, said, begin = Partition(POLICIES, 0), Said(), 0
    for end in [*sorted(cut for cut in cuts if cut < len(log)), len(log)]:
        batch = partition.judge(log[max(0, begin - 3) : end])
        said += batch.said
        partition.keep(batch, batch.changed(), batch.applied())
        if end in starts:
            partition = reloaded(partition)
        begin = end
    return said


def reloaded(partition: Partition) -> Partition:
    """A successor, which knows what the ledger's topic holds and nothing else."""
    applied = msgspec.json.decode(encode(partition.applied), type=Applied)
    successor = Partition(POLICIES, 0)
    successor.restore(dict(partition.records), applied)
    return successor
