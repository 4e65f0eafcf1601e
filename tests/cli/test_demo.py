"""``tairyu demo`` as a process: its figures are those of its truth, on either broker."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from schemas.instants import from_text
from tests.cli.house import House, read_until, stop

FIGURES = ("held", "raised", "first_notice_after_s", "first_breach_after_s", "cleared", "false_alarms")
KEPT = {"report.html", "events.ndjson", "truth.ndjson", "custody-log.ndjson", "stall-events.ndjson", "policies", "history", "logs", "key"}
HOUR = 3_600


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """Five are held: the folder that was kept, the line of JSON, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("demo")
    said = House(folder).tairyu("demo", "--json", "--held", "5", "--seed", "3", "--keep", folder / "kept", within_s=400)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("\n") == 1
    return folder / "kept", json.loads(said.stdout), said.stderr


five_held = [pytest.mark.embedded, pytest.mark.xdist_group("tairyu-demo")]


class TestFiveAreHeld:
    pytestmark = five_held

    def test_the_figures_are_those_of_the_truth(self, five: tuple[Path, dict[str, Any], str]) -> None:
        folder, figures, _ = five
        late = [row for row in rows(folder / "truth.ndjson") if row["hop"] == "forward" and row["level"] is not None]

        assert len(late) == 5
        assert {name: figures[name] for name in FIGURES} == {
            "held": 5,
            "raised": 5,
            "first_notice_after_s": 6 * HOUR,  # the notice limit of the hop, from the first that was held
            "first_breach_after_s": 72 * HOUR,
            "cleared": len([row for row in late if row["verdict"] == "late"]),
            "false_alarms": 0,
        }
        assert figures["clickhouse"] == figures["truth"] == {name: figures[name] for name in FIGURES}
        assert min(from_text(row["closed_at"]) - from_text(row["entered_at"]) for row in late) >= 6.5 * HOUR * 1_000_000

    def test_it_ends_with_what_a_council_would_read(self, five: tuple[Path, dict[str, Any], str]) -> None:
        folder, figures, said = five
        held = [row for row in rows(folder / "truth.ndjson") if row["hop"] == "forward" and row["level"] is not None]
        in_april = sum(row["entered_at"] < "2026-04-30T15:00:00Z" for row in held)

        assert f"・2026年4月に、{in_april}人の申請が期限を超えて止まっていた" in said
        assert "・この間の義務の根拠は「なし」、監督する者は「なし」である。" in said
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert "埼玉県 草加市（112216）" in page
        assert f"{in_april}人の申請が期限を超えて止まっていた" in page
        assert figures["held"] == len(held)

    def test_what_is_kept_can_be_judged_again(self, five: tuple[Path, dict[str, Any], str], house: House) -> None:
        folder, _, _ = five
        assert {path.name for path in folder.iterdir()} >= KEPT
        policy = folder / "policies" / "my-number-card.yaml"
        truth = {(row["token"], row["hop"], row["attempt"]): row for row in rows(folder / "truth.ndjson")}

        key, until = folder / "key", "2026-05-15T00:00:00+09:00"
        verdicts = house.json("judge", folder / "events.ndjson", "--policy", policy, "--key", key, "--verdicts", "--until", until)
        said = house.json("judge", "--log", folder / "custody-log.ndjson", "--policy", policy)

        assert {(row["token"], row["hop"], row["attempt"]): row for row in verdicts} == truth
        exported = rows(folder / "stall-events.ndjson")
        assert sorted((line["partition"], line["key"] or "", str(line["value"])) for line in said) == sorted(
            (line["partition"], line["key"] or "", str(line["value"])) for line in exported
        )

    def test_what_was_sent_names_its_speaker_and_its_arrival(self, five: tuple[Path, dict[str, Any], str]) -> None:
        sent = rows(five[0] / "events.ndjson")

        assert {event["speaker"] for event in sent} >= {"plaza", "tokiwa", "minato", "j-lis", "112216"}
        arrivals = [from_text(event["received"]) for event in sent]
        assert arrivals == sorted(arrivals)

    def test_it_says_what_is_going_on_and_ends_with_a_report(self, five: tuple[Path, dict[str, Any], str]) -> None:
        folder, _, said = five
        lines = said.splitlines()

        assert lines[0] == "滞留 Tairyu · Soka: 193 applications held on a vendor's server for 43 days"
        assert lines[1].startswith("Scenario time, 2026-04-01 to 2026-05-14: 44 days of events")
        assert lines[2].startswith("Assumed: the year")
        assert lines[3] == f"What remains is in {folder}."
        weeks = [line for line in lines if line.startswith("2026-0")]
        assert weeks[-1] == "2026-05-15 00:00  nothing is held"
        assert len(weeks) == 7
        assert "held; the oldest in forward with plaza since 2026-04-" in weeks[2]
        [notice] = [line for line in lines if "│ first notice" in line]
        assert "│ 6 h 0 min after the first held upload: 2026-04-0" in notice
        assert any(line.startswith("WHERE hop = 'forward'") for line in lines)
        assert any(line.startswith("Sound: ") for line in lines)
        assert any("193 件は、4月1日から5月13日まで" in line for line in lines)
        assert "\x1b" not in said

    @pytest.mark.kafka
    def test_apache_kafka_gives_the_same_figures(self, five: tuple[Path, dict[str, Any], str], house: House, kafka_jars: Path) -> None:
        env = {"TAIRYU_KAFKA_JARS": str(kafka_jars)}
        said = house.tairyu("demo", "--json", "--held", "5", "--seed", "3", "--kafka", env=env, within_s=400)

        assert said.returncode == 0, said.stderr
        assert json.loads(said.stdout) == five[1]


def test_a_folder_that_is_not_empty_is_refused(house: House) -> None:
    (house.folder / "kept").mkdir()
    (house.folder / "kept" / "mine").write_text("")
    said = house.tairyu("demo", "--keep", house.folder / "kept")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {house.folder / 'kept'}: not empty: --keep needs a folder of its own")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--scenario", "nope"], "there is no scenario 'nope' ("),
        (["--keep", "/proc/nope"], "/proc/nope: No such file or directory: --keep needs a folder that can be made"),
    ],
)
def test_a_mistake_is_a_sentence(house: House, arguments: list[str], sentence: str) -> None:
    said = house.tairyu("demo", *arguments)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")
    assert said.stderr.count("\n") == 1


@pytest.mark.embedded
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_in_the_middle_it_leaves_nothing_behind(house: House, number: signal.Signals, code: int) -> None:
    with house.start("demo") as process:
        read_until(process, "intake: ready")
        rest = stop(process, number)

    assert process.returncode == code
    assert "Traceback" not in rest
    assert [path.name for path in house.folder.iterdir()] == []
