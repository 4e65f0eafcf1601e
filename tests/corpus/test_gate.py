"""Every record of the corpus becomes what the documentation says: judged by intake's own code, without a broker."""

import json
from collections import Counter
from functools import cache
from random import Random
from uuid import UUID

import pytest

from schemas.cards import load_cards
from schemas.codec import decode_dead_letter, decode_event, decode_refusal
from schemas.reasons import Reason, Refused
from schemas.records import REFUSAL_KEY
from schemas.situations import individual_number
from streams.admission import Admission, Output, PublicRecord
from streams.gate import Gate
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.settings import Settings
from tests.corpus.cases import Case, event, raw
from tests.corpus.disguises import UNPROMISED, Number
from tests.corpus.everything import disguised, hostile
from tests.corpus.search import holds

HOSTILE, DISGUISED = hostile(), disguised()
KEY = b"a key that only these tests use.."
NOW_US = 1_775_012_400_000_000


@cache
def admission() -> Admission:
    policies, cards = load_policies(Settings().policy), load_cards()
    parties = load_parties(Settings().parties, policies.newest)
    feeds = public_feeds(parties, policies.newest, cards)
    return Admission(Gate(policies, parties, KEY), parties, feeds, cards, KEY, 4)


def judged(case: Case) -> list[Output]:
    return admission().judge(PublicRecord(case.topic, 1, 17, NOW_US, case.value, case.headers), NOW_US)


def test_the_corpus_is_large_enough_and_each_record_has_its_name() -> None:
    refused = [case for case in HOSTILE if case.reason]
    assert len(refused) >= 300
    assert len(DISGUISED) >= 60
    assert [name for name, count in Counter(case.name for case in [*HOSTILE, *(case for case, _ in DISGUISED)]).items() if count > 1] == []


def test_every_reason_is_met() -> None:
    assert {case.reason for case in [*HOSTILE, *(case for case, _ in DISGUISED)] if case.reason} == {reason.value for reason in Reason}


def test_the_corpus_follows_from_its_seed() -> None:
    assert hostile() == HOSTILE != hostile(1)
    assert disguised() == DISGUISED != disguised(1)


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: ascii(case.name))
def test_a_record_becomes_what_the_documentation_says(case: Case) -> None:
    check(case, judged(case))


@pytest.mark.parametrize(("case", "number"), DISGUISED, ids=lambda each: ascii(each.name) if isinstance(each, Case) else "")
def test_a_number_is_found_in_its_disguise_and_kept_nowhere(case: Case, number: Number) -> None:
    outputs = judged(case)
    check(case, outputs)
    for output in outputs:
        assert not holds(output.value, [number.digits])
        assert not holds(output.key, [number.digits])


def check(case: Case, outputs: list[Output]) -> None:
    if case.reason is None:
        (output,) = outputs
        assert output.key != REFUSAL_KEY, decode_refusal(output.value)
        assert decode_event(output.value).speaker == case.speaker
        return
    first, second = outputs
    refusal, letter = decode_refusal(first.value), decode_dead_letter(second.value)
    assert (first.key, first.partition) == (REFUSAL_KEY, 1)
    assert (refusal.reason, letter.reason) == (case.reason, case.reason)
    assert case.path in (None, refusal.path)
    assert second.key == b"%s:1:17" % case.topic.encode()
    assert refusal.size == letter.size == len(case.value or b"")
    assert len(letter.value.encode()) <= 256 * 1024


@pytest.mark.parametrize("name", UNPROMISED)
def test_what_the_number_rule_does_not_promise_is_a_text_like_any_other(name: str) -> None:
    rng = Random(name)
    for fits in (True, False):
        text = UNPROMISED[name](individual_number(rng, passing=fits))
        (output,) = judged(Case(name, None, raw(event(rng, data={"reason": text}))))
        assert json.loads(output.value)["data"]["reason"] == text


def test_of_fifty_thousand_random_uuids_as_ids_the_gate_refuses_none() -> None:
    rng = Random(4122)
    policies = load_policies(Settings().policy)
    gate = Gate(policies, load_parties(Settings().parties, policies.newest), KEY)
    before, after = raw(event(rng, id="@")).split(b"@")
    for _ in range(50_000):
        value = before + str(UUID(int=rng.getrandbits(128), version=4)).encode() + after
        gate.admit(value, None, speaker="plaza", arrived_us=NOW_US, origin="kiosk-events.plaza:0:17")


def test_a_header_whose_name_is_no_text_is_refused_and_the_value_is_masked() -> None:
    number = individual_number(Random(7))
    record = PublicRecord("kiosk-events.plaza", 1, 17, NOW_US, raw({"id": number}), None, Refused(Reason.INVALID_ENCODING, "/headers"))
    check(Case("", "invalid_encoding", record.value, path="/headers"), outputs := admission().judge(record, NOW_US))
    assert not any(holds(output.value, [number]) for output in outputs)


@pytest.mark.parametrize(("case", "number"), DISGUISED, ids=lambda each: ascii(each.name) if isinstance(each, Case) else "")
def test_the_search_finds_each_number_where_it_was_sent(case: Case, number: Number) -> None:
    """A search that could not see through the disguise would find nothing anywhere."""
    parts = [case.key or b"", case.value or b"", *(part for name, text in case.headers for part in (name.encode(), text or b""))]
    text = b"\n".join(parts)
    if case.name.endswith(("Shift_JIS", "EUC-JP")) and case.name.startswith("number full-width"):
        text = text.decode("shift_jis" if "Shift" in case.name else "euc_jp").encode()
    assert holds(text, [number.digits]) == [number.digits]
