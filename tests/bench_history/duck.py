"""The same five questions to DuckDB over Parquet: hops and transitions as ClickHouse has them, a file a month.

Runs in a venv of its own: ``python duck.py FOLDER MUNICIPALITY BEGINS ENDS TIMES`` prints question -> milliseconds as JSON.
"""

import json
import sys
import time

QUESTIONS = {
    "open_now": """
        SELECT holder, hop, count(DISTINCT token), median(date_diff('second', entered_at, TIMESTAMP '{ends}')), min(entered_at)
        FROM hops WHERE state = 'open' {mine} GROUP BY holder, hop""",
    "hop_times": """
        WITH cases AS (SELECT vendor, token, state, date_diff('second', entered_at, coalesce(closed_at, TIMESTAMP '{ends}')) / 3600.0 AS hours,
                              closed_at IS NOT NULL AS ended
                       FROM hops WHERE hop = 'forward' AND entered_at >= TIMESTAMP '{begins}' AND entered_at < TIMESTAMP '{ends}' {mine}),
        steps AS (SELECT vendor, hours, count(*) FILTER (ended) AS ends, sum(count(*)) OVER (PARTITION BY vendor ORDER BY hours DESC) AS at_risk
                  FROM cases WHERE state != 'undetermined' GROUP BY vendor, hours),
        curve AS (SELECT vendor, hours, sum(ln(greatest(1 - ends / at_risk, 1e-300))) OVER (PARTITION BY vendor ORDER BY hours) AS left_over FROM steps)
        SELECT vendor, count(DISTINCT token), (SELECT min(hours) FROM curve WHERE curve.vendor = cases.vendor AND left_over <= ln(0.5) + 1e-9)
        FROM cases GROUP BY vendor""",
    "causes": """
        SELECT hop, holder, vendor, kiosk, count(DISTINCT token), min(entered_at), sum(date_diff('second', entered_at, coalesce(closed_at, TIMESTAMP '{ends}')))
        FROM hops
        WHERE (state = 'late' OR (state = 'open' AND due_at < TIMESTAMP '{ends}'))
          AND coalesce(closed_at, TIMESTAMP '{ends}') >= TIMESTAMP '{begins}' AND entered_at < TIMESTAMP '{ends}' {mine}
        GROUP BY ALL""",
    "reconciliation": """
        SELECT date_trunc('day', submitted_at), kiosk, count(*), count(*) FILTER (has_come)
        FROM (SELECT token, min(entered_at) FILTER (hop = 'upload') AS submitted_at, any_value(kiosk) AS kiosk, bool_or(hop = 'screening') AS has_come
              FROM hops WHERE hop IN ('upload', 'screening') {mine} GROUP BY token)
        WHERE submitted_at >= TIMESTAMP '{begins}' AND submitted_at < TIMESTAMP '{ends}' GROUP BY ALL""",
    "known_at": """
        SELECT hop, holder, level, count(DISTINCT token) FROM
        (SELECT * FROM transitions WHERE transitions.at <= TIMESTAMP '{ends}' {mine} QUALIFY row_number() OVER (PARTITION BY stall_id ORDER BY revision DESC) = 1)
        WHERE kind IN ('raised', 'escalated', 'revised') GROUP BY ALL""",
}


def main(folder: str, municipality: str, begins: str, ends: str, times: str) -> None:
    import duckdb  # type: ignore[import-not-found, unused-ignore]

    connection = duckdb.connect()
    for table in ("hops", "transitions"):
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder}/{table}/*.parquet'")
    found: dict[str, dict[str, list[float]]] = {}
    for name, question in QUESTIONS.items():
        for scope, mine in (
            ("municipality", f"AND (kiosk_municipality = '{municipality}' OR residence_municipality = '{municipality}')"),
            ("nation", ""),
        ):
            took = []
            for _ in range(int(times) + 1):
                began = time.perf_counter()
                connection.execute(question.format(begins=begins, ends=ends, mine=mine)).fetchall()
                took.append((time.perf_counter() - began) * 1_000)
            found.setdefault(name, {})[scope] = took[1:]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
