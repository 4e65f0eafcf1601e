"""A new key for new applications: old ones keep theirs, wherever and whenever something is said of them."""

import hmac
import os
import random
from pathlib import Path

import confluent_kafka as ck
import pytest

from schemas.identity import Key, token
from schemas.keyring import Applications
from schemas.numbers import replace_ids
from streams.inputs import Inputs
from streams.keys import KeyFileError, key_marks, load_key, open_to_others, rotate

FIRST = b"a key of the tests, at least as long as 32 bytes"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(FIRST + b"\n")
    return tmp_path / "key"


def subjects(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices("0123456789", k=23)) for _ in range(count)]


def tokens(key: Key, of: list[str]) -> set[str]:
    return {token(key, each) for each in of}


def test_a_file_with_one_key_is_that_key(path: Path) -> None:
    assert load_key(path) == FIRST
    assert [*key_marks(load_key(path))] == ["1"]


def test_what_was_known_keeps_its_token_and_what_is_new_has_another(path: Path) -> None:
    old, new = subjects(5_000, 1), subjects(5_000, 2)
    before = {each: token(FIRST, each) for each in old + new}

    assert rotate(path, tokens(FIRST, old))[0] == "2"
    key = load_key(path)

    assert [each for each in old if token(key, each) != before[each]] == []
    # About one in 120 of the new ones is taken for an old one, and stays so
    taken = sum(token(key, each) == before[each] for each in new)
    assert 10 < taken < 100


def test_through_three_keys_nobodys_token_ever_changes(path: Path) -> None:
    """1 000 applications begin under each key; at every rotation all that are known are named, by the tokens that they have."""
    known: dict[str, str] = {}
    for era in range(3):
        key = load_key(path)
        known |= {each: token(key, each) for each in subjects(1_000, 10 + era)}
        rotate(path, set(known.values()))

    key = load_key(path)
    assert [*key_marks(key)] == ["1", "2", "3", "4"]
    assert len({*key_marks(key).values()}) == 4
    assert [each for each, had in known.items() if token(key, each) != had] == []


def test_two_machines_with_copies_of_the_files_make_the_same_tokens(path: Path, tmp_path: Path) -> None:
    rotate(path, tokens(FIRST, subjects(100, 1)))
    other = tmp_path / "other"
    other.mkdir()
    for file in (path, path.with_name("key.1.applications")):
        (other / file.name).write_bytes(file.read_bytes())

    asked = subjects(2_000, 3)
    assert [token(load_key(other / "key"), each) for each in asked] == [token(load_key(path), each) for each in asked]


def test_an_id_in_another_place_becomes_the_same_token(path: Path) -> None:
    (old,) = subjects(1, 1)
    before = replace_ids(f"scan {old}", FIRST)
    rotate(path, tokens(FIRST, [old]))

    assert replace_ids(f"scan {old}", load_key(path)) == before


def test_both_files_are_readable_by_their_owner_only(path: Path) -> None:
    rotate(path, set())

    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {"key": 0o600, "key.1.applications": 0o600}


@pytest.mark.parametrize(
    ("mode", "owner", "others"),
    [
        (0o600, "ours", False),
        (0o400, "ours", False),
        (0o640, "ours", True),
        (0o604, "ours", True),
        # a secret as it is mounted: root's, for a group that we are in; or for everybody
        (0o440, "root's", False),
        (0o444, "root's", True),
        (0o644, "root's", True),
    ],
)
def test_a_key_file_is_open_to_others_unless_it_reaches_us_through_our_group(mode: int, owner: str, others: bool) -> None:
    us, them = 10001, 0
    told = os.stat_result((0o100000 | mode, 1, 1, 1, us if owner == "ours" else them, 10001, 64, 0, 0, 0))

    assert open_to_others(told, us) is others


def test_a_key_may_be_any_bytes(path: Path) -> None:
    key = bytes(range(128, 192))
    path.write_bytes(key)
    (old,) = subjects(1, 1)
    rotate(path, tokens(key, [old]))

    assert token(load_key(path), old) == token(key, old)


def test_applications_that_are_another_machines_or_cut_short_are_refused(path: Path) -> None:
    _, applications = rotate(path, tokens(FIRST, subjects(1_000, 1)))
    applications.write_bytes(applications.read_bytes()[:-1])

    with pytest.raises(
        KeyFileError, match=r"key\.1\.applications: is not the file that belongs to key 1 in .*: copy both from one machine"
    ):
        load_key(path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{", "begins like the JSON of several keys, and is none"),
        ('{"keys": []}', "expected old keys, each with its applications, and then the newest"),
        ("short", "a key has at least 32 bytes, this one has 5"),
    ],
)
def test_a_key_file_that_is_none_says_so_and_nothing_of_the_key(path: Path, text: str, wrong: str) -> None:
    path.write_text(text)

    with pytest.raises(KeyFileError, match=wrong):
        load_key(path)


def test_an_empty_list_knows_nobody() -> None:
    assert not any(each in Applications.of(set()) for each in tokens(FIRST, subjects(1_000, 1)))


def took(key: Key, committed: str) -> str | None:
    """What an intake with this key says when it takes over a partition."""
    inputs = Inputs({}, 1, "1", 5, low_ends=False, keys=[*key_marks(key).values()])
    inputs.take([ck.TopicPartition("jlis-events", 0, 7, committed)])
    return inputs.missing_key()


def committed_with(key: Key) -> str:
    """What an intake with this key commits beside a position."""
    inputs = Inputs({}, 1, "1", 5, low_ends=False, keys=[*key_marks(key).values()])
    inputs.take([ck.TopicPartition("jlis-events", 0, 7)])
    (position,) = inputs.positions()
    return str(position.metadata)


def test_an_intake_that_lacks_the_key_with_which_another_went_on_finds_out(path: Path) -> None:
    first = load_key(path)
    rotate(path, set())
    second = load_key(path)

    assert took(first, committed_with(first)) is None
    assert took(second, committed_with(first)) is None
    assert took(second, committed_with(second)) is None
    ours, theirs = key_marks(first)["1"], key_marks(second)["2"]
    said = f"the key file has the key {ours}, and lacks {theirs}, with which tokens were made since"
    assert took(first, committed_with(second)) == said


def test_a_file_with_one_key_that_is_another_one_is_found_out(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(FIRST.replace(b"tests", b"other"))

    assert took(load_key(path), committed_with(load_key(path))) is None
    assert "and lacks" in (took(load_key(other), committed_with(load_key(path))) or "")
    # nothing is known where nothing was committed, or before marks were
    assert took(load_key(other), "") is None
    assert took(load_key(other), '{"through_us":1,"heard_us":2}') is None


def test_a_mark_is_no_token_and_holds_nothing_of_the_key(path: Path) -> None:
    (mark,) = key_marks(load_key(path)).values()

    assert mark == hmac.digest(FIRST, b"tairyu mark of a key\0", "sha256").hex()[:16]
