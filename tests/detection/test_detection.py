"""A few days of one town through the real stages: what they finally say is true. (The month, and the nation, are run by hand.)"""

from pathlib import Path

import pytest

from tests.detection.run import Simulated, find


@pytest.mark.embedded
def test_the_stages_finally_say_what_is_true_of_a_town(tmp_path: Path) -> None:
    said: list[str] = []
    found = find(Simulated(tmp_path, "town", 3, applications=150, days=4, follow_days=48), said.append)

    # Two months: in one batch of the watch an application ends, and its grace of a week does, too
    assert found.differ == []
    assert len(found.final) == len(found.truth) > 600
    assert sum(row.applications for row in found.rows.values()) == 150
    assert sum(row.raised for row in found.rows.values()) == found.transitions["raised"] > 0
    assert found.rows["healthy"].raised == found.rows["healthy"].truly_late == 0
    # Nobody is accused in error but of what was never told, or told by a wrong clock
    in_error = {kind for kind, row in found.rows.items() if row.false_alarms or row.missed or row.wrongly_late}
    assert {kind for kind in in_error if "untold" not in kind and "clock" not in kind} == set()
