"""custody-log -> verdicts, by Quix Streams: a stateful function over a dataframe, as its guide teaches. Runs in a venv of its own.

Arguments: brokers, consumer group, input topic, output topic, folder for state.

Its state is known by the key of the record in hand alone, so a pulse cannot look into an application's: what is open also stands in
memory, and what a pulse says of it is written with the application's next event.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from quixstreams import Application, State, message_context

from tests.bench.plain import Judge, Said, Told


@dataclass
class Kept:
    """As it is stored, as JSON."""

    last4: str
    vendor: str | None = None
    kiosk: str | None = None
    kiosk_municipality: str | None = None
    residence_municipality: str | None = None
    contributions: list[Any] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)


class Partition:
    def __init__(self, number: int) -> None:
        self.judge = Judge(number)
        self.open: dict[str, Kept] = {}


partitions: dict[int, Partition] = {}


def judge(value: dict[str, Any], key: str, timestamp: int, headers: Any, state: State) -> list[Said]:
    number = message_context().partition
    partition = partitions.get(number) or partitions.setdefault(number, Partition(number))
    if key == "pulse":
        return list(_pulse(partition, value))
    if len(key) != 64:
        return []
    return _news(partition, key, value, state)


def _news(partition: Partition, token: str, value: dict[str, Any], state: State) -> list[Said]:
    stored, data = state.get("application"), value["data"]
    kept = Kept(last4=value["last4"]) if stored is None else Kept(**stored)
    if (known := partition.open.get(token)) is not None:
        kept.said = known.said
    told = Told(
        *(value[name] for name in ("id", "source", "type", "time", "speaker", "role", "received")),
        *(data.get(name) for name in ("kiosk", "kiosk_municipality", "residence_municipality")),
    )
    said = partition.judge.news(token, kept, told)
    if said is not None:
        state.set("application", vars(kept))
        partition.open[token] = kept
    return said or []


def _pulse(partition: Partition, value: dict[str, Any]) -> Iterator[Said]:
    for token in partition.judge.hear(value["inputs"]):
        said = partition.judge.expire(token, partition.open[token])
        if said is None:
            del partition.open[token]
        yield from said or ()
    yield from partition.judge.mark(value["at"], value["bucket_s"])


def main() -> None:
    brokers, group, log, verdicts, folder = sys.argv[1:]
    app = Application(brokers, consumer_group=group, auto_offset_reset="earliest", state_dir=folder, loglevel="WARNING")
    frame = app.dataframe(app.topic(log, value_deserializer="json", key_deserializer="str"))
    frame = frame.apply(judge, stateful=True, expand=True, metadata=True)
    output = app.topic(verdicts, value_serializer="json", key_serializer="str")
    frame = frame.apply(lambda said, key, timestamp, headers: said[1], metadata=True)
    frame.to_topic(output, key=lambda value: value.get("subject"))
    app.run()


if __name__ == "__main__":
    main()
