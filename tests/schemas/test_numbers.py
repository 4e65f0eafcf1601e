"""The number rule: what it refuses, in which disguises, and what it must never refuse by chance."""

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import token
from schemas.masking import LONGEST, mask
from schemas.numbers import Found, Members, check_digit_fits, find_number, may_hold_number, number_in, replace_ids
from schemas.reasons import Reason

RNG = Random(20151005)
WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
"""The ordinance's Q11 to Q1, read from the left."""


def number(fits: bool = True) -> str:
    """12 generated digits, the last of which fits or not; the first is no 0, so that it is also a JSON number."""
    base = [RNG.randint(1, 9), *RNG.choices(range(10), k=10)]
    rest = sum(digit * weight for digit, weight in zip(base, WEIGHTS, strict=True)) % 11
    check = 0 if rest <= 1 else 11 - rest
    return "".join(map(str, base)) + str(check if fits else (check + 1) % 10)


def digits(count: int) -> str:
    return "".join(RNG.choices("0123456789", k=count))


def grouped(gap: str, run: str) -> str:
    return gap.join((run[:4], run[4:8], run[8:]))


def disguised(run: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in run)


GOOD, BAD = number(), number(fits=False)


def test_the_check_digit_decides_only_the_reason() -> None:
    assert number_in(GOOD) is Reason.INDIVIDUAL_NUMBER
    assert number_in(BAD) is Reason.POSSIBLE_INDIVIDUAL_NUMBER


def test_the_check_digit_passes_for_about_a_tenth_of_all_numbers() -> None:
    assert 0.09 < sum(check_digit_fits(digits(12)) for _ in range(10_000)) / 10_000 < 0.11


@pytest.mark.parametrize("text", [GOOD, f"a{GOOD}b", f"番号は{GOOD}です", f"x-{GOOD}-1", f"1 {GOOD}", f"{GOOD}.5", f"({GOOD})"])
def test_twelve_digits_together_are_refused_wherever_they_touch_no_digit(text: str) -> None:
    assert number_in(text) is Reason.INDIVIDUAL_NUMBER


@pytest.mark.parametrize("gap", [" ", "-", "·", "・", "･", "‐", "‑", "–", "—", "−", "ー", "－", "•", "\u3000", "\u00a0", "\t", " - ", "--"])
def test_four_four_four_is_refused_with_any_space_hyphen_or_middle_dot(gap: str) -> None:
    assert number_in(grouped(gap, GOOD)) is Reason.INDIVIDUAL_NUMBER


@pytest.mark.parametrize("zero", ["０", "٠", "۰", "०", "๐", "𝟎", "𝟶"])
def test_the_digits_of_any_script_are_digits(zero: str) -> None:
    assert number_in(disguised(GOOD, zero)) is Reason.INDIVIDUAL_NUMBER
    assert number_in(grouped("・", disguised(GOOD, zero))) is Reason.INDIVIDUAL_NUMBER


def test_circled_and_raised_digits_are_digits() -> None:
    assert number_in("".join("⓪①②③④⑤⑥⑦⑧⑨"[int(digit)] for digit in GOOD)) is Reason.INDIVIDUAL_NUMBER
    assert number_in("".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in GOOD)) is Reason.INDIVIDUAL_NUMBER


@pytest.mark.parametrize(
    "invisible", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u0301", "\x00", "\x7f", "\u3164", "\ufe0f\u20e3"]
)
def test_what_shows_nothing_hides_nothing(invisible: str) -> None:
    assert number_in(invisible.join(GOOD)) is Reason.INDIVIDUAL_NUMBER


@pytest.mark.parametrize(
    "text",
    [
        GOOD[:11],
        GOOD + "1",
        "1" + GOOD,
        digits(23),
        grouped("-", GOOD) + "-1234",
        "1234-" + grouped("-", GOOD),
        "1 " + grouped("-", GOOD),
        f"{GOOD[:8]}-{GOOD[8:]}",
        f"{GOOD[:4]}-{GOOD[4:]}",
        grouped("/", GOOD),
        grouped(".", GOOD),
        grouped("a", GOOD),
        grouped("    ", GOOD),
        "2026-04-01T09:00:00.123456+09:00",
        "20260401-0001",
    ],
)
def test_other_lengths_and_other_groupings_pass(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize("hidden", [grouped("\t", GOOD), grouped("\n", GOOD), "\0".join(GOOD), "\x1b".join(GOOD)])
def test_what_json_holds_as_an_escape_hides_nothing_in_a_document(hidden: str) -> None:
    # nothing else in it calls for a closer look
    assert find_number(Members([("reason", hidden)])) == Found(Reason.INDIVIDUAL_NUMBER, "/reason")
    assert find_number(Members([(hidden, True)])) == Found(Reason.INDIVIDUAL_NUMBER, "/#0")


def test_no_window_of_an_applications_id_counts() -> None:
    assert not any(number_in(digits(23)) for _ in range(2_000))


@pytest.mark.parametrize(
    "value", [int(GOOD), -int(GOOD), float(GOOD), int(GOOD) + 0.5], ids=["whole", "negative", "written with a point", "with a fraction"]
)
def test_a_json_number_of_twelve_digits_is_refused(value: float) -> None:
    assert find_number({"data": {"count": value}}) == Found(Reason.INDIVIDUAL_NUMBER, "/data/count")


@pytest.mark.parametrize(
    "value", [99_999_999_999, 1_000_000_000_000, 139.123456789012, 0.123456789012, True, None, float("inf"), float("nan")]
)
def test_other_json_values_pass(value: object) -> None:
    assert find_number({"data": value}) is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"id": GOOD}, "/id"),
        ({"subject": GOOD}, "/subject"),
        ({"data": {"kiosk": "soka", "reason": f"番号 {GOOD}"}}, "/data/reason"),
        ({"a": 1, "data": {"kiosk": "soka", "b": {"c": [{"d": [1, [GOOD]]}]}}}, "/data/#1/#0/0/#0/1/0"),
        ({"data": {"x": 1, GOOD: 2}}, "/data/#1"),
        ({"data": [{"id": {grouped("-", GOOD): {}}}]}, "/data/0/id/#0"),
        ({"customer": {"reason": disguised(GOOD, "０")}}, "/#0/reason"),
        (["a", ["b", GOOD]], "/1/1"),
        (Members([("id", "1"), ("id", GOOD), ("id", "2")]), "/id"),
        (GOOD, ""),
    ],
)
def test_every_value_and_key_is_looked_at_and_keys_are_told_by_position(value: Any, path: str) -> None:
    assert find_number(value) == Found(Reason.INDIVIDUAL_NUMBER, path)


def test_bytes_of_a_header_are_text_even_if_they_are_not_utf_8() -> None:
    assert number_in(GOOD.encode()) is Reason.INDIVIDUAL_NUMBER
    assert number_in(b"\xff" + GOOD.encode() + b"\xfe") is Reason.INDIVIDUAL_NUMBER
    assert number_in(GOOD.encode("utf-16-le")) is Reason.INDIVIDUAL_NUMBER


def uuids(count: int, rng: Random) -> list[str]:
    texts = (f"{rng.getrandbits(128):032x}" for _ in range(count))
    return [f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}" for text in texts]


def test_of_a_million_random_uuids_none_is_refused() -> None:
    rng = Random(1)
    for _ in range(100):
        assert number_in('"'.join(uuids(10_000, rng))) is None


def test_uuids_are_whole_in_capitals_in_braces_and_behind_a_prefix() -> None:
    hidden = f"{digits(8)}-{grouped('-', GOOD)}-{digits(12)}"
    assert number_in(hidden.replace("-", "")) is None
    for text in (hidden, hidden.upper(), f"{{{hidden}}}", f"urn:uuid:{hidden}", f"event-id{hidden}", f"kiosk_{hidden}/1"):
        assert number_in(text) is None


def test_half_a_uuid_is_no_uuid() -> None:
    assert number_in(f"abcdefab-{grouped('-', GOOD)}-abcd") is Reason.INDIVIDUAL_NUMBER


def test_long_hex_strings_and_traceparents_have_a_format_of_their_own() -> None:
    assert number_in(f"abcdefabcdefabcdefab{GOOD}") is None
    assert number_in(f"00-{'ab' * 16}-abcd{GOOD}-01") is None
    assert number_in(f"abcdefabcdefabcdef{GOOD}") is Reason.INDIVIDUAL_NUMBER  # 30 hex digits


def test_a_stamp_of_twelve_digits_is_refused_even_if_honest() -> None:
    assert number_in("202604010900") is Reason.POSSIBLE_INDIVIDUAL_NUMBER


SNIPPETS = st.sampled_from(
    ["1234", "5678", "9012", "0", "12345678901", "-", " ", "・", "１２３４", "\u200b", "٣", "a", "ー", "①", "\x7f", ", ", "番"]
)


@given(st.lists(SNIPPETS, max_size=12), st.lists(SNIPPETS, max_size=12))
def test_the_cheap_look_never_clears_what_the_walk_refuses(first: list[str], second: list[str]) -> None:
    key, text = "".join(first), "".join(second)
    if number_in(key) or number_in(text):
        assert may_hold_number(json.dumps({key: text}, ensure_ascii=False).encode())
        assert find_number({key: [text]})


@given(st.integers(10**10, 10**13))
def test_the_cheap_look_sees_whole_json_numbers(value: int) -> None:
    if number_in(value):
        assert may_hold_number(b'{"count":%d}' % value)


def test_the_cheap_look_clears_an_honest_event() -> None:
    honest = {
        "id": "0d5a3f6e-1c2b-4d5e-8f90-a1b2c3d4e5f6",
        "subject": digits(23),
        "time": "2026-04-01T09:00:00+09:00",
        "kiosk": "草加市役所",
    }
    assert not may_hold_number(json.dumps(honest, ensure_ascii=False).encode())


def test_a_megabyte_of_combining_characters_is_read_in_no_time() -> None:
    assert number_in("\u0301\u0316" * 250_000 + GOOD) is Reason.INDIVIDUAL_NUMBER  # sorted by NFKC first, it would take hours


@pytest.mark.parametrize("text", [GOOD, disguised(GOOD, "０"), grouped("・", GOOD), "\u200b".join(GOOD), digits(23), "\\u200b".join(GOOD)])
def test_masking_leaves_no_digit_of_a_long_run(text: str) -> None:
    masked = mask(f'{{"a": "{text}", "b": 17}}')
    assert masked.startswith('{"a": "*')
    assert masked.endswith('*", "b": 17}')
    assert not any(digit.isdigit() for digit in masked.removesuffix("17}"))


def test_masking_reads_escapes_as_the_digits_that_they_are() -> None:
    for run in (GOOD, disguised(GOOD, "０"), disguised(GOOD, "𝟎")):
        assert mask(json.dumps(f"n\\{run}\n")) == '"n\\\\' + "*" * 12 + '\\n"'
    upper = "".join(f"\\u00{ord(digit):02X}" for digit in GOOD)
    assert mask(upper) == "*" * 12


def test_masking_reads_the_short_escapes_of_blanks() -> None:
    assert mask(json.dumps(grouped("\t", GOOD))) == mask(json.dumps(grouped("\n", GOOD))) == '"' + "*" * 12 + '"'


def test_masking_reads_the_digits_of_escapes_literally_too() -> None:
    assert "345678" not in mask(f"\\u0663{GOOD[:2]}345678")


def test_masking_also_hides_a_number_written_with_point_and_exponent() -> None:
    assert mask(f"{GOOD[0]}.{GOOD[1:]}e11") == "*" * 12 + "e11"


def test_masking_keeps_runs_of_eleven_digits_and_all_other_text() -> None:
    text = f'{{"id": "{GOOD[:11]}", "reason": "写真の不備", "time": "2026-04-01T09:00:00Z", "x": "\\\\u0031"'
    assert mask(text) == text


def test_a_long_value_is_cut_and_the_run_at_the_cut_is_masked_however_short() -> None:
    assert mask("a" * (LONGEST - 3) + GOOD) == "a" * (LONGEST - 3) + "***"
    assert len(mask("写" * LONGEST).encode()) <= LONGEST
    assert mask("a" * (LONGEST - 3) + "123") == "a" * (LONGEST - 3) + "123"


@given(st.lists(SNIPPETS, max_size=14))
def test_what_is_masked_is_refused_no_more(snippets: list[str]) -> None:
    text = "".join(snippets)
    assert number_in(mask(text)) is None
    assert number_in(mask(json.dumps(text))) is None
    assert number_in(re.sub(r"\\u([0-9a-f]{4})", lambda escape: chr(int(escape[1], 16)), mask(json.dumps(text)))) is None


def test_an_id_outside_subject_becomes_its_own_token() -> None:
    run, key = digits(23), b"key"
    assert replace_ids(f"/kiosk/{run}/1", key) == f"/kiosk/{token(key, run)}/1"
    assert replace_ids(disguised(run, "０"), key) == token(key, run)
    assert replace_ids("\u200b".join(run), key) == token(key, run)
    assert replace_ids(f"{run} {run}", key) == f"{token(key, run)} {token(key, run)}"


@pytest.mark.parametrize(
    "text", ["", digits(22), digits(24), "0d5a3f6e-1c2b-4d5e-8f90-a1b2c3d4e5f6", "か\u3099" * 20, "ab" * 20 + "f" + digits(23)]
)
def test_other_text_keeps_every_character(text: str) -> None:
    assert replace_ids(text, b"key") == text


def test_digits_in_shift_jis_or_between_bytes_that_are_no_text_are_masked() -> None:
    wide = f"番号{disguised(GOOD, '０')}".encode("shift_jis").decode(errors="replace")
    assert not re.search("\ufffd[O-X]", mask(wide))
    assert mask(b"\xff".join(digit.encode() for digit in GOOD).decode(errors="replace")) == "*" * 12
