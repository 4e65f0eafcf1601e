"""custody-log -> verdicts, by Faust as its guide teaches it: a Record for events, a Table of Records, one event at a time.

Arguments: those of `faust worker`. From the environment: BENCH_BROKERS, BENCH_APP, BENCH_LOG, BENCH_OUTPUT, BENCH_PARTITIONS.
"""

import os
from typing import Any

import faust
from faust.streams import current_event

from tests.bench.plain import Judge, Told

app = faust.App(
    os.environ["BENCH_APP"],
    broker=f"kafka://{os.environ['BENCH_BROKERS']}",
    consumer_auto_offset_reset="earliest",
    topic_partitions=int(os.environ["BENCH_PARTITIONS"]),
)


class Data(faust.Record):
    kiosk: str | None = None
    kiosk_municipality: str | None = None
    residence_municipality: str | None = None


class Custody(faust.Record, serializer="json"):
    """An event, or a pulse."""

    type: str
    id: str | None = None
    source: str | None = None
    time: str | None = None
    speaker: str | None = None
    role: str | None = None
    received: str | None = None
    last4: str | None = None
    data: Data | None = None
    at: str | None = None
    bucket_s: int | None = None
    inputs: dict[str, Any] | None = None


class Application(faust.Record, serializer="json"):
    last4: str
    vendor: str | None = None
    kiosk: str | None = None
    kiosk_municipality: str | None = None
    residence_municipality: str | None = None
    contributions: list[Any] = []  # noqa: RUF012 (a Record copies its defaults)
    said: dict[str, Any] = {}  # noqa: RUF012


log = app.topic(os.environ["BENCH_LOG"], key_type=str, value_type=Custody)
verdicts = app.topic(os.environ["BENCH_OUTPUT"], key_type=str, value_serializer="json")
applications = app.Table("applications", key_type=str, value_type=Application)
judges: dict[int, Judge] = {}


@app.agent(log)
async def watch(stream: Any) -> None:
    async for key, event in stream.items():
        number = current_event().message.partition
        judge = judges.get(number) or judges.setdefault(number, Judge(number))
        if key == "pulse":
            await _pulse(judge, event)
        elif len(key) == 64:
            await _news(judge, key, event)


async def _news(judge: Judge, token: str, event: Custody) -> None:
    kept = applications.get(token) or Application(last4=event.last4, contributions=[], said={})
    data = event.data or Data()
    told = Told(
        event.id, event.source, event.type, event.time, event.speaker, event.role, event.received,
        data.kiosk, data.kiosk_municipality, data.residence_municipality,
    )  # fmt: skip
    said = judge.news(token, kept, told)
    if said is not None:
        applications[token] = kept
        for key, value in said:
            await verdicts.send(key=key, value=value)


async def _pulse(judge: Judge, pulse: Custody) -> None:
    for token in judge.hear(pulse.inputs):
        kept = applications[token]
        said = judge.expire(token, kept)
        if said is None:
            del applications[token]
            continue
        applications[token] = kept
        for key, value in said:
            await verdicts.send(key=key, value=value)
    for key, value in judge.mark(pulse.at, pulse.bucket_s):
        await verdicts.send(key=key, value=value)


if __name__ == "__main__":
    app.main()
