"""What live and simulated intake share: records become outputs, time becomes pulses, both become transactions."""

import time
from collections.abc import Iterable
from operator import methodcaller
from typing import Any, Protocol, cast

import confluent_kafka as ck
import structlog

from schemas.codec import Headers, encode
from schemas.reasons import Reason, Refused
from schemas.records import PULSE_KEY
from streams.admission import Admission, Output, PublicRecord
from streams.evidence import TopicPart
from streams.inputs import Inputs
from streams.metrics import counter
from streams.outlet import Outlet

log = structlog.get_logger()
refusals = counter("tairyu_refusals_total")

_read_headers = methodcaller("headers")


class Clock(Protocol):
    """One object gives both *now* and when a record arrived."""

    def now_us(self) -> int: ...

    def appended_us(self, kind: int, stamp_ms: int) -> int:
        """From a record's timestamp and its kind (``confluent_kafka.TIMESTAMP_*``)."""
        ...


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def appended_us(self, kind: int, stamp_ms: int) -> int:
        """The broker's stamp is taken as it is. A sender's own may be early, but not in the future."""
        if kind == ck.TIMESTAMP_LOG_APPEND_TIME:
            return stamp_ms * 1_000
        return min(stamp_ms * 1_000, self.now_us()) if kind == ck.TIMESTAMP_CREATE_TIME else self.now_us()


class Desk:
    def __init__(self, inputs: Inputs, admission: Admission, outlet: Outlet, log_topic: str, log_partitions: int) -> None:
        self.inputs = inputs
        self._admission, self._outlet, self._log, self._log_partitions = admission, outlet, log_topic, log_partitions

    def judge(self, record: PublicRecord) -> list[Output]:
        arrived_us = self.inputs.readings[record.topic, record.partition].handled(record.offset, record.appended_us)
        return self._admission.judge(record, arrived_us)

    def pulses(self, at_us: int) -> list[Output]:
        """One into every partition: each is judged by its own log alone."""
        value = encode(self.inputs.pulse(at_us))
        return [Output(self._log, PULSE_KEY, value, partition) for partition in range(self._log_partitions)]

    def commit(self, outputs: Iterable[Output], group: Any) -> None:
        self._outlet.commit(outputs, self.inputs.positions(), group)
        for (topic, reason), count in self._admission.refused.items():
            refusals.labels(topic, reason).inc(count)
            log.warning("refused", topic=topic, reason=reason, count=count)
        self._admission.refused.clear()


def public_record(message: ck.Message, clock: Clock) -> PublicRecord:
    topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
    appended_us = clock.appended_us(*message.timestamp())
    headers = _headers(message)
    fault = Refused(Reason.INVALID_ENCODING, "/headers") if headers is None else None
    return PublicRecord(topic, partition, offset, appended_us, message.value(), headers, fault)


def unpackable_record(where: TopicPart, offset: int, clock: Clock) -> PublicRecord:
    """A record of which nothing can be known: its compressed batch unpacks to more than a client takes."""
    return PublicRecord(*where, offset, clock.now_us(), None, None, Refused(Reason.TOO_LARGE, ""))


def _headers(message: ck.Message) -> Headers | None:
    """Of a message that was read: a list of pairs. None if a name is no UTF-8.

    Found by trying: the client then returns a list with a null pointer *and* leaves a UnicodeDecodeError behind. A called method's
    leftovers are checked, and become a SystemError, only where the interpreter has not specialised the call: ``methodcaller`` never is.
    """
    try:
        return cast(Headers, _read_headers(message) or ())
    except SystemError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        return None
