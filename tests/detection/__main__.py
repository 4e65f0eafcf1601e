"""``python -m tests.detection``: the table of ``docs/detection.md``. Exit code 1 if a final verdict is not the true one."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.detection.run import Simulated, find
from tests.detection.table import markdown


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.detection")
    parser.add_argument("--scenario", default="nation")
    parser.add_argument("--applications", type=int, default=90_000)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--follow-days", type=int, help="default: the scenario's")
    parser.add_argument("--kafka", action="store_true", help="on Apache Kafka instead of the embedded broker")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tairyu-detection-") as folder:
        run = Simulated(Path(folder), given.scenario, given.seed, given.applications, given.days, given.follow_days, given.kafka)
        found = find(run, lambda text: print(text, file=sys.stderr, flush=True))
    print("\n".join(markdown(found.rows)))
    said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(found.transitions.items()))
    print(f"\n{found.events:,} events, {len(found.truth):,} hops, {said}; {found.seconds:.0f} s.")
    for hop in found.differ[:20]:
        print(f"{hop}: true {found.truth.get(hop)}, said {found.final.get(hop)}")
    print(f"{len(found.differ)} final verdicts differ from the truth.")
    return 1 if found.differ else 0


sys.exit(main())
