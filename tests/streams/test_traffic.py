"""Traffic of a town and of the nation: the same bytes however the work is cut, and a truth that a judge who reads only events finds."""

from collections import Counter
from contextlib import closing
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from schemas.identity import municipality_ok
from schemas.instants import from_text
from streams.booths import municipalities
from streams.gate import Gate
from streams.hearing import Told
from streams.judge import FileJudge, verdict_line
from streams.parties import load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.scenario import ScenarioError, load_scenario
from streams.settings import Settings
from streams.story import Story
from streams.traffic import EVENTS, TRUTH, Tally, Traffic

FILES = Settings.model_construct()
Asked = tuple[int | None, int | None]


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(FILES.policy)


@pytest.fixture(scope="module")
def nation(policies: Policies) -> Story:
    """Ten days with each place ten times as likely in trouble, so that every kind of traffic is met."""
    scenario = load_scenario("nation", applications=3_000, days=10)
    often = [replace(each, share=each.share * (1 if each.where in ("application", "everywhere") else 10)) for each in scenario.troubles]
    return Story(replace(scenario, troubles=tuple(often)), policies, 5)


def told(
    policies: Policies, folder: Path, workers: int, name: str = "town", asked: Asked = (600, 20), seed: int = 1
) -> tuple[Tally, bytes, bytes]:
    """What was told of so many applications in so many days, the file of events, and the truth's."""
    folder.mkdir()
    events, truth = BytesIO(), BytesIO()
    with closing(Traffic(load_scenario(name, applications=asked[0], days=asked[1]), policies, seed, folder, workers)) as traffic:
        tally = traffic.tell()
        traffic.write(EVENTS, events)
        traffic.write(TRUTH, truth)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    return tally, events.getvalue(), truth.getvalue()


def judged(story: Story) -> list[bytes]:
    """The final verdicts of a judge who reads the events, at the scenario's end."""
    gate, judge = Gate(story.policies, load_parties(FILES.parties), story.key), FileJudge(story.policies)
    subjects = {row.token: row.subject for row in story.truth}
    for line in story.event_lines():
        for _ in judge.feed(gate.admit_line(line.strip(), origin="events.ndjson:1")):
            pass
    for _ in judge.finish(story.world.ends_us):
        pass
    return sorted(verdict_line(verdict, subjects[verdict.token]) for verdict in judge.verdicts())


@pytest.mark.parametrize(("name", "asked"), [("town", (600, 20)), ("nation", (1_500, 20)), ("soka", (None, None))])
def test_the_bytes_are_those_of_the_story_however_many_tell_it(policies: Policies, tmp_path: Path, name: str, asked: Asked) -> None:
    one, two = (told(policies, tmp_path / f"{workers}", workers, name, asked) for workers in (1, 2))
    assert one == two
    story = Story(load_scenario(name, applications=asked[0], days=asked[1]), policies, 1)
    assert one[1:] == (b"".join(story.event_lines()), b"".join(story.truth_lines()))


def test_another_seed_tells_of_other_applications(policies: Policies, tmp_path: Path) -> None:
    one, other = (told(policies, tmp_path / f"{seed}", 1, seed=seed) for seed in (1, 2))
    assert not {*one[2].splitlines()} & {*other[2].splitlines()}


def test_it_counts_what_it_has_told(policies: Policies, tmp_path: Path) -> None:
    tally, events, truth = told(policies, tmp_path / "town", 2)
    rows = [msgspec.json.decode(line) for line in truth.splitlines()]
    assert tally.applications == tally.kinds.total() == 600 >= len({row["subject"] for row in rows})
    assert tally.events == len(events.splitlines())
    assert tally.hops == len(rows)
    assert tally.verdicts == Counter((row["hop"], row["verdict"], row["level"]) for row in rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_rules_find_the_truth_of_a_month_of_one_town(policies: Policies, seed: int) -> None:
    story = Story(load_scenario("town", applications=900, days=30), policies, seed)
    assert judged(story) == sorted(line.strip() for line in story.truth_lines())


def test_the_rules_find_the_truth_of_every_kind_of_traffic(nation: Story) -> None:
    kinds = {each.life.kind for each in nation.told}
    assert kinds >= {each.trouble for each in nation.scenario.troubles}
    assert judged(nation) == sorted(line.strip() for line in nation.truth_lines())


def test_an_application_is_of_the_day_that_was_asked_for_and_there_are_as_many(policies: Policies) -> None:
    story = Story(load_scenario("nation", applications=777, days=1), policies, 3)
    days = Counter(event.time[:10] for _, event in story.tidings if event.type.endswith(".submitted") and event.time)
    assert len(story.told) == 777
    clocks = sum("kiosk's clock a day" in each.life.kind or "1970" in each.life.kind for each in story.told)
    untold = sum(each.life.kind == "submitted untold" for each in story.told)
    assert days["2026-04-01"] >= 777 - clocks - untold
    assert clocks + untold > 0


def test_kiosks_stand_in_municipalities_that_exist(nation: Story) -> None:
    assert len(municipalities()) == 1_741
    assert municipalities()["112216"] == ("埼玉県", "草加市")
    assert all(map(municipality_ok, municipalities()))
    codes = {kiosk.municipality for kiosk in nation.world.kiosks}
    assert codes <= municipalities().keys()
    assert len(codes) > 20
    assert {kiosk.vendor for kiosk in nation.world.kiosks} == {"plaza", "tokiwa", "minato"}
    assert any(kiosk.municipality not in {each.life.residence} for each in nation.told for kiosk in [each.life.kiosk])


def of_kind(story: Story, kind: str) -> list[Told]:
    found = [each for each in story.told if each.life.kind == kind]
    assert found, kind
    return found


def rows_of(story: Story, told: Told) -> dict[tuple[str, int], tuple[str, str | None]]:
    return {(row.hop, row.attempt): (row.verdict, row.level) for row in story.truth if row.subject == told.life.subject}


def test_a_vendor_that_sends_in_batches_sends_at_its_hours(nation: Story) -> None:
    # each 4 hours: a batch is taken in within ten minutes
    received = {e.subject: e.time or "" for _, e in nation.tidings if e.type.endswith("application.received")}
    batched = [each for each in of_kind(nation, "healthy") if each.life.kiosk.vendor == "minato" and each.life.subject in received]
    minutes = {(from_text(received[each.life.subject]) // 60_000_000) % 240 for each in batched}
    assert len(batched) > 100
    assert max(minutes) < 10


def test_what_is_lost_before_j_lis_stays_open_and_no_later_hop_opens(nation: Story) -> None:
    for each in of_kind(nation, "lost before J-LIS"):
        assert rows_of(nation, each) == {("upload", 1): ("in_time", None), ("forward", 1): ("open", "breach")}


def test_who_moves_away_leaves_a_hop_whose_end_nobody_saw_in_time(nation: Story) -> None:
    for each in of_kind(nation, "moved away"):
        rows = rows_of(nation, each)
        assert each.life.steps[-1].milestone == "application.voided"
        assert {verdict for verdict, _ in rows.values()} == {"in_time"}


def test_what_was_received_and_never_told_leaves_its_hop_undetermined(nation: Story) -> None:
    for each in of_kind(nation, "received untold"):
        rows = rows_of(nation, each)
        assert rows["forward", 1] == ("undetermined", None)
        assert ("screening", 1) not in rows


def test_a_kiosks_clock_that_nobody_can_use_accuses_nobody_and_one_a_day_behind_does(nation: Story) -> None:
    for kind in ("kiosk's clock a day ahead", "kiosk's clock in 1970"):
        assert {rows_of(nation, each)["upload", 1] for each in of_kind(nation, kind)} == {("in_time", None)}
    # 24 h and some seconds by its own word: a day's limit is passed
    assert {rows_of(nation, each)["upload", 1] for each in of_kind(nation, "kiosk's clock a day behind")} == {("late", "breach")}


def test_a_queue_that_stopped_lets_all_go_at_once(nation: Story) -> None:
    by_kiosk = {each.life.kiosk.kiosk for each in of_kind(nation, "queue stopped")}
    for kiosk in by_kiosk:
        released = [each.life.steps[2].at_us for each in of_kind(nation, "queue stopped") if each.life.kiosk.kiosk == kiosk]
        assert max(released) - min(released) <= 4 * 3_600_000_000


@pytest.mark.parametrize(
    ("part", "instead", "wrong"),
    [
        ("never: true}", "never: true, untold: card.arrived}", "expected one of takes"),
        ("like: nation", "like: nowhere", "there is no scenario"),
        ('municipalities: ["112216"]', 'municipalities: ["112217"]', "there is no municipality 112217"),
        ("heartbeats: [kiosk", "heartbeats: [kioks", "there is no voice 'kioks'"),
        ("booths:", "kiosks: []\nbooth:", "unknown field `booth`"),
        ("shop: 2", "shop: 2, shopp: 1", "there is no opening 'shopp'"),
    ],
)
def test_a_mistake_in_a_scenario_is_named(policies: Policies, tmp_path: Path, part: str, instead: str, wrong: str) -> None:
    folder = Path(FILES.policy).parents[1] / "scenarios"
    text = (folder / "town.yaml").read_text(encoding="utf-8")
    text += "\ntroubles: [{trouble: lost, share: 0.1, hops: [forward], never: true}]\n"
    assert part in text
    for name in ("soka", "nation"):
        (tmp_path / f"{name}.yaml").write_bytes((folder / f"{name}.yaml").read_bytes())
    (tmp_path / "mine.yaml").write_text(text.replace(part, instead, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match=wrong):
        _ = Story(load_scenario(str(tmp_path / "mine.yaml")), policies, 1).told


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"days": 0}, "0 days"),
        ({"applications": -1}, "-1 applications"),
        ({"held": 5}, "no queue stops in this scenario"),
    ],
)
def test_a_number_that_cannot_be_is_refused(given: dict[str, int], wrong: str) -> None:
    with pytest.raises(ScenarioError, match=wrong):
        load_scenario("nation", **given)  # type: ignore[arg-type]


def test_the_soka_case_cannot_end_before_its_release() -> None:
    with pytest.raises(ScenarioError, match="2026-05-14 is none of the scenario's days"):
        load_scenario("soka", days=20)
