"""The demo's figures, three times over: from the truth, from the stream of transitions, from ClickHouse by SQL. They have to agree."""

from collections.abc import Iterable
from typing import Any

from schemas.instants import SECOND_US, from_text
from schemas.records import Transition
from streams.truth import TruthRow

Figures = dict[str, int | None]

SQL = """
SELECT
    countIf(kind = 'cleared') AS held,
    uniqExactIf(stall_id, kind = 'raised') AS raised,
    toInt64(dateDiff('second', minIf(entered_at, kind = 'raised'), minIf(due_at, kind = 'raised'))) AS first_notice_after_s,
    if(countIf(level = 'breach' AND kind = 'escalated') = 0, NULL,
       toInt64(dateDiff('second', minIf(entered_at, kind = 'raised'), minIf(due_at, level = 'breach' AND kind = 'escalated'))))
        AS first_breach_after_s,
    uniqExactIf(stall_id, kind = 'cleared') AS cleared,
    uniqExactIf(stall_id, kind = 'raised' AND (token, hop, attempt) IN
        (SELECT token, hop, attempt FROM hops_now WHERE state IN ('in_time', 'undetermined', 'void'))) AS false_alarms
FROM transitions
WHERE hop = {hop:String}
"""


def from_stream(transitions: Iterable[Transition], truth: Iterable[TruthRow], hop: str) -> Figures:
    """What was said of one hop. A false alarm is a stall that was raised though its true duration was under the limit."""
    said = [t.data for t in transitions if t.data.hop == hop]
    raised = [verdict for verdict in said if verdict.kind == "raised"]
    breached = [verdict for verdict in said if verdict.kind == "escalated" and verdict.level == "breach"]
    cleared = {verdict.stall_id for verdict in said if verdict.kind == "cleared"}
    late = {(row.token, row.hop, row.attempt) for row in truth if row.level is not None}
    begun_us = min((from_text(verdict.entered_at) for verdict in raised), default=0)
    return {
        "held": len(cleared),
        "raised": len({verdict.stall_id for verdict in raised}),
        "first_notice_after_s": _after_s(begun_us, (from_text(verdict.due_at) for verdict in raised)),
        "first_breach_after_s": _after_s(begun_us, (from_text(verdict.due_at) for verdict in breached)),
        "cleared": len(cleared),
        "false_alarms": len({v.stall_id for v in raised if (v.token, v.hop, v.attempt) not in late}),
    }


def from_clickhouse(client: Any, hop: str) -> Figures:
    found = client.query(SQL, parameters={"hop": hop})
    figures: Figures = dict(zip(found.column_names, found.result_rows[0], strict=True))
    return figures if figures["raised"] else {**figures, "first_notice_after_s": None}


def raised_elsewhere(transitions: Iterable[Transition], truth: Iterable[TruthRow]) -> list[Transition]:
    """What was raised of any hop though it was in time: nothing, in a scenario whose healthy durations are under their limits."""
    late = {(row.token, row.hop, row.attempt) for row in truth if row.level is not None}
    return [t for t in transitions if t.data.kind == "raised" and (t.data.token, t.data.hop, t.data.attempt) not in late]


def _after_s(begun_us: int, instants_us: Iterable[int]) -> int | None:
    first_us = min(instants_us, default=None)
    return None if first_us is None else (first_us - begun_us) // SECOND_US
