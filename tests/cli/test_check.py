"""``tairyu check`` as a vendor's engineer uses it: what would be refused, what to do, and what would be said of them."""

import inspect
import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.flags import FLAGS
from schemas.reasons import Reason
from schemas.situations import situations
from streams import custody
from streams.policy_file import load_policies
from streams.scenario import load_scenario
from streams.stalls import hop_flags
from streams.story import Story
from tests.cli.house import POLICIES, House, changed_policy, lines_of

SUBJECTS = ["".join(Random(place).choices("0123456789", k=23)) for place in range(3)]


def told(name: str, at: str, subject: str = SUBJECTS[0], speaker: str | None = "plaza", **changes: Any) -> dict[str, Any]:
    source = "/j-lis/acceptance" if speaker == "j-lis" else "/vendors/plaza/x"
    made = {"specversion": "1.0", "id": f"{name}-{at}", "source": source, "type": f"jp.tairyu.{name}", "time": at, "subject": subject}
    return {**made, **({"speaker": speaker} if speaker else {}), **changes}


SUBMITTED = told("application.submitted", "2026-04-01T09:00:00+09:00")
UPLOADED = told("application.uploaded", "2026-04-01T09:05:00+09:00")
RECEIVED = told("application.received", "2026-04-03T10:00:00+09:00", speaker="j-lis")
"""49 hours in the hop forward: notice after 6, warn after 24; breach only after 72."""


def file_of(house: House, *events: dict[str, Any], name: str = "events.ndjson") -> Path:
    path = house.folder / name
    path.write_text(lines_of(*events), encoding="utf-8")
    return path


def answers(house: House, *arguments: str | Path) -> tuple[list[Any], list[Any], Any]:
    """Lines, verdicts and the summary of ``--json``."""
    said = house.tairyu("check", "--json", *arguments)
    assert said.returncode in (0, 1), said.stderr
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    lines, verdicts = ([row[kind] for row in rows if kind in row] for kind in ("line", "verdict"))
    return lines, verdicts, rows[-1]["summary"]


def table(text: str) -> list[list[str]]:
    """The cells of every row."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]


def test_a_file_in_order_passes_and_shows_what_would_be_said(house: House) -> None:
    said = house.tairyu("check", file_of(house, SUBMITTED, UPLOADED, RECEIVED))

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("3 lines: 3 accepted, 0 refused\n")
    assert table(said.stdout) == [
        ["upload", "plaza", "1", "", "", "", ""],
        ["forward", "plaza", "", "1 (warn 1)", "", "", ""],
        ["screening", "j-lis", "", "", "1", "", ""],
        [f"{house.folder}/events.ndjson:1", f"…{SUBJECTS[0][-4:]}", "forward", "plaza", "2026-04-01 09:05", "2026-04-03 10:00", "warn"],
    ]
    assert SUBJECTS[0] not in said.stdout


def test_a_refused_line_is_named_with_what_to_do_and_the_rest_is_judged(house: House) -> None:
    path = file_of(house, SUBMITTED, {**UPLOADED, "time": "2026-04-01T09:05:00"}, RECEIVED)

    said = house.tairyu("check", path)

    assert (said.returncode, said.stderr) == (1, "")
    assert said.stdout.splitlines()[:2] == [
        f"{path}:2: time_without_offset: /time: time says no offset from UTC. End time with an offset such as +09:00, or with Z.",
        "3 lines: 2 accepted, 1 refused",
    ]
    assert [row[0] for row in table(said.stdout)] == ["upload", "screening"]


def test_a_program_gets_each_line_each_verdict_and_a_summary(house: House) -> None:
    path = file_of(house, SUBMITTED, {**UPLOADED, "type": "jp.tairyu.card.lost"}, RECEIVED)

    lines, verdicts, summary = answers(house, path)

    assert [(line["at"], line["accepted"]) for line in lines] == [(f"{path}:1", True), (f"{path}:2", False), (f"{path}:3", True)]
    told = Reason.UNKNOWN_TYPE
    assert lines[1] == {"at": f"{path}:2", "accepted": False, "reason": told, "path": "/type", "when": told.when, "remedy": told.remedy}
    assert [(each["hop"], each["verdict"], each["subject"], each["first_told_at"]) for each in verdicts] == [
        ("upload", "undetermined", SUBJECTS[0], f"{path}:1"),
        ("screening", "open", SUBJECTS[0], f"{path}:1"),
    ]
    assert summary == {"accepted": 2, "refused": 1, "judged_through": "2026-04-03T01:00:00Z", "stalls": 0}


def test_records_of_a_topic_need_no_speaker_in_them(house: House) -> None:
    # The topic says who speaks, and the value is not believed.
    path = file_of(
        house, {**SUBMITTED, "speaker": "tokiwa"}, told("application.uploaded", "2026-04-01T09:05:00+09:00", speaker=None), RECEIVED
    )

    without, _, _ = answers(house, path)
    lines, verdicts, _ = answers(house, path, "--speaker", "plaza")

    assert [line.get("reason") for line in without] == [None, "unknown_speaker", None]
    assert [line.get("reason") for line in lines] == [None, None, "not_yours_to_say"]
    assert {each["vendor"] for each in verdicts} == {"plaza"}


def test_silence_is_judged_up_to_the_latest_arrival_or_the_instant_that_is_named(house: House) -> None:
    path = file_of(house, SUBMITTED, UPLOADED)

    assert answers(house, path)[2]["stalls"] == 0
    # 15:05 is the notice limit
    assert answers(house, path, "--until", "2026-04-01T15:05:00+09:00")[2]["stalls"] == 0
    assert answers(house, path, "--until", "2026-04-01T15:05:02+09:00")[2]["stalls"] == 1


def test_what_others_say_may_stand_in_a_file_of_its_own(house: House) -> None:
    ours, theirs = file_of(house, SUBMITTED, UPLOADED), file_of(house, RECEIVED, name="theirs.ndjson")

    alone, both = house.tairyu("check", ours), house.tairyu("check", ours, theirs)

    assert "A hop that another party ends stays open here" in alone.stdout
    assert ["forward", "plaza", "", "", "1", "", ""] in table(alone.stdout)
    assert ["forward", "plaza", "", "1 (warn 1)", "", "", ""] in table(both.stdout)


def test_a_vendor_that_has_retired_has_no_topic_any_more(house: House) -> None:
    parties = house.folder / "parties.yaml"
    text = (POLICIES / "parties.yaml").read_text(encoding="utf-8")
    parties.write_text(text.replace("sources: [/vendors/plaza/]", "sources: [/vendors/plaza/]\n    retired: true"), encoding="utf-8")

    lines, _, _ = answers(house, file_of(house, SUBMITTED), "--parties", parties)

    assert lines[0]["reason"] == "unknown_speaker"


def test_policy_and_parties_are_those_of_the_settings_unless_an_option_names_others(house: House) -> None:
    policy = changed_policy(house.folder, "{notice: 6h, warn: 24h, breach: 72h}", "{notice: 50h, warn: 60h, breach: 72h}")
    parties = policy.with_name("parties.yaml")
    parties.write_text(parties.read_text(encoding="utf-8").replace("plaza", "hayabusa"), encoding="utf-8")
    house.more = {"TAIRYU_POLICY": str(policy), "TAIRYU_PARTIES": str(parties)}
    plaza = file_of(house, SUBMITTED, UPLOADED, RECEIVED)
    hayabusa = file_of(house, {**SUBMITTED, "speaker": "hayabusa"}, {**UPLOADED, "speaker": "hayabusa"}, RECEIVED, name="hayabusa")

    assert answers(house, hayabusa)[2] == {"accepted": 3, "refused": 0, "judged_through": "2026-04-03T01:00:00Z", "stalls": 0}
    assert answers(house, plaza)[2]["accepted"] == 1
    named = ("--policy", POLICIES / "my-number-card.yaml", "--parties", POLICIES / "parties.yaml")
    summary = answers(house, plaza, *named)[2]
    assert (summary["accepted"], summary["stalls"]) == (3, 1)


def test_what_is_odd_is_flagged_with_what_to_do(house: House) -> None:
    # 09:00 at the kiosk, heard at 08:00: its clock is an hour ahead. The same id comes with another time, too.
    ahead = {**SUBMITTED, "received": "2026-04-01T08:00:00+09:00"}
    twice = {**SUBMITTED, "time": "2026-04-01T07:00:00+09:00"}

    said = house.tairyu("check", file_of(house, ahead, twice))

    assert said.returncode == 0
    assert [line for line in said.stdout.splitlines() if ", in 1 application: " in line] == [
        f"{flag}, in 1 application: {FLAGS[flag]}" for flag in ("conflict", "time_replaced")
    ]


def test_every_flag_that_can_be_given_says_what_to_do() -> None:
    given = set(re.findall(r'^        "(\w+)": ', inspect.getsource(custody._flags), re.MULTILINE))

    assert len(given) > 3
    assert given | {*hop_flags((), undated=True, backwards=True)} == FLAGS.keys()


def test_every_example_that_is_to_be_refused_is_refused_for_its_reason(house: House) -> None:
    wrong = [each for each in situations("public/kiosk-events") if each.reason not in (None, "empty")]
    path = house.folder / "wrong.ndjson"
    path.write_bytes(b"\n".join(each.values(Random(1))[-1].replace(b"\n", b" ") for each in wrong))

    lines, _, summary = answers(house, path, "--speaker", "plaza")

    assert [line["reason"] for line in lines] == [each.reason for each in wrong]
    assert (summary["accepted"], summary["refused"]) == (0, len(wrong))


def test_the_case_of_soka_is_accepted_whole_and_accused_as_it_is_true(house: House) -> None:
    story = Story(load_scenario("soka", held=20), load_policies(POLICIES / "my-number-card.yaml"), 1)
    path = house.folder / "soka.ndjson"
    path.write_bytes(b"".join(story.event_lines()))

    lines, verdicts, summary = answers(house, path)

    assert (summary["accepted"], summary["refused"], summary["stalls"]) == (len(lines), 0, 20)
    late = Counter((each["hop"], each["vendor"], each["level"]) for each in verdicts if each["verdict"] == "late")
    assert late == Counter((row.hop, "plaza", row.level) for row in story.truth if row.verdict == "late")


@pytest.mark.parametrize(("scenario", "applications", "days"), [("town", 150, 10), ("nation", 150, 10), ("soka", None, None)])
def test_all_that_simulate_makes_is_accepted_and_accused_as_it_is_true(
    house: House, scenario: str, applications: int | None, days: int | None
) -> None:
    events, truth = house.folder / "events.ndjson", house.folder / "truth.ndjson"
    size = ("--applications", str(applications), "--days", str(days)) if applications else ()
    [made] = house.json("simulate", "--scenario", scenario, *size, "--seed", "5", "--out", events, "--truth", truth, "--json")

    ends = load_scenario(scenario, applications=applications, days=days).ends
    said = house.tairyu("check", events, "--until", f"{ends}T00:00:00+09:00", "--json")

    assert (said.returncode, said.stderr) == (0, "")
    *told, last = map(json.loads, said.stdout.splitlines())
    assert (last["summary"]["accepted"], last["summary"]["refused"]) == (made["events"], 0)
    # the same but for the tokens, which are made with another key
    true = [{**json.loads(line), "token": None} for line in truth.read_text().splitlines()]
    found = [{name: row["verdict"][name] for name in true[0]} | {"token": None} for row in told if "verdict" in row]
    assert {row["verdict"] for row in true} >= {"in_time", "late"}
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, true))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["/nowhere.ndjson"], "/nowhere.ndjson: No such file or directory"),
        (["-"], "-: holds no line to check"),
        (["{file}", "--speaker", "nobody"], "--speaker: nobody of the name 'nobody' is a party here; plaza, tokiwa, minato, j-lis are, "),
        (["{file}", "--until", "yesterday"], "--until: expected an instant with an offset"),
        (["{file}", "--parties", "/nowhere"], "/nowhere: cannot be read: "),
    ],
)
def test_a_mistake_is_a_sentence(house: House, arguments: list[str], sentence: str) -> None:
    path = file_of(house, SUBMITTED)

    said = house.tairyu("check", *(each.format(file=path) for each in arguments))

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")
    assert said.stderr.count("\n") == 1
