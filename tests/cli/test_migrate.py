"""``tairyu migrate`` over a folder of one's own, and where there is no history."""

from tests.cli.house import House


def test_what_is_missing_is_shown_then_applied_and_then_nothing_is_missing(house: House) -> None:
    folder = house.folder / "history"
    env = {"TAIRYU_HISTORY_DIR": str(folder)}

    before = house.tairyu("migrate", "--dry-run", env=env)
    assert (before.returncode, folder.exists()) == (0, False)
    assert before.stdout.startswith("0001 events\n  what: events and refusals, one row for each record")
    assert "  blocks: nothing; new tables.\n" in before.stdout

    assert house.tairyu("migrate", env=env).stdout.startswith("applied: events, transitions, hops, ")
    assert house.tairyu("migrate", env=env).stdout == "nothing was missing\n"
    assert house.tairyu("migrate", "--dry-run", "--dialect", "single", env=env).stdout == "nothing is missing\n"


def test_the_sql_of_everything_is_had_without_any_history(house: House) -> None:
    said = house.tairyu("migrate", "--dry-run", "--dialect", "replicated")

    assert (said.returncode, said.stderr) == (0, "tairyu: no history stands there yet: this is for an empty one\n")
    assert "has not been run on replicas" in said.stdout.splitlines()[0]
    assert "CREATE TABLE IF NOT EXISTS events ON CLUSTER '{cluster}'\n" in said.stdout


def test_without_a_history_there_is_nothing_to_migrate_and_a_folder_has_no_replicas(house: House) -> None:
    said = house.tairyu("migrate")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("tairyu: no history is configured: set TAIRYU_CLICKHOUSE_URL or TAIRYU_HISTORY_DIR")

    said = house.tairyu("migrate", "--dialect", "replicated", env={"TAIRYU_HISTORY_DIR": str(house.folder / "history")})
    assert (said.returncode, said.stdout) == (2, "")
    assert "only servers have replicas" in said.stderr
