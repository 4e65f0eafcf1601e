"""Events in order, said by somebody who may not say them; and corrections of what others have said."""

from collections.abc import Iterator
from random import Random
from typing import Any

from schemas.events import PREFIX
from tests.corpus.cases import CHIYODA, JLIS, MUNICIPAL, PLAZA, SOKA, SPEAKER_HEADER, TOKIWA, Case, Headers, event, in_town, raw

VENDORS = {"application.submitted", "application.uploaded", "application.forwarded", "application.resubmitted", "batch.manifest"}
RECEIVER = {"application.received", "application.returned", "application.accepted", "card.issued", "card.dispatched", "batch.acknowledged"}
TOWNS = {"card.arrived", "notice.sent"}
SHARED = {"card.handed_over", "card.discarded", "application.voided", "enquiry.logged"}
"""As the page for senders says: said by J-LIS and by municipalities."""
MAY_NOT = {PLAZA: RECEIVER | TOWNS | SHARED, JLIS: VENDORS | TOWNS, MUNICIPAL: VENDORS | RECEIVER}


def cases(rng: Random) -> Iterator[Case]:
    yield from others_words(rng)
    yield from unknown_words(rng)
    yield from speakers(rng)
    yield from corrections(rng)


def others_words(rng: Random) -> Iterator[Case]:
    for topic, kinds in MAY_NOT.items():
        for kind in sorted(kinds):
            case = Case(f"{kind} on {topic}", "not_yours_to_say", raw(event(rng, topic, type=PREFIX + kind)), topic=topic, path="/type")
            yield in_town(case) if topic == MUNICIPAL else case
    said = event(rng, JLIS, speaker="j-lis")
    yield Case("a vendor that calls itself J-LIS", "not_yours_to_say", raw(said), headers=((SPEAKER_HEADER, b"j-lis"),), path="/type")
    yield Case("a vendor by J-LIS's source", None, raw(event(rng, source="/j-lis/reception", speaker="j-lis")))


def unknown_words(rng: Random) -> Iterator[Case]:
    for kind in (
        "application.submitted", "jp.tairyu.application", "jp.tairyu.", "jp.tairyu.application.Submitted",
        "JP.TAIRYU.application.submitted",
        " jp.tairyu.application.submitted", "jp.tairyu.application.submitted ", "jp.tairyu.application.submitted\0", "jp.tairyu.pulse",
        "jp.tairyu.refusal", "jp.tairyu.stall.raised", "jp.tairyu.clock.mark", "jp.tairyu.ａpplication.submitted", "com.example.event",
        "jp.tairyu.jp.tairyu.application.submitted", "jp.tairyu.\u202eapplication.submitted", "jp.tairyu.appli\u200bcation.submitted",
    ):  # fmt: skip
        yield Case(f"type {kind!r}", "unknown_type", raw(event(rng, type=kind)), path="/type")


def speakers(rng: Random) -> Iterator[Case]:
    """The header is written by the gateway of municipalities alone; whatever stands there is still not trusted."""

    def told(name: str, headers: Headers, reason: str | None = "unknown_speaker") -> Case:
        return Case(f"speaker: {name}", reason, raw(event(rng, MUNICIPAL)), MUNICIPAL, headers, path="/speaker" if reason else None)

    yield told("no header", ())
    for name, text in {
        "empty": b"",
        "none": None,
        "a bad check digit": b"112210",
        "five digits": b"11221",
        "full-width": "１１２２１６".encode(),
        "a blank behind": b"112216 ",
        "a zero byte": b"112216\0",
        "a line break": b"112216\n",
        "no UTF-8": b"\xff\xfe",
        "a vendor": b"plaza",
        "J-LIS": b"j-lis",
        "a word of the log's keys": b"pulse",
        "another": b"refusal",
        "a token": b"ab" * 32,
        "two at once": b"112216,131016",
        "in JSON": b'"112216"',
        "right to left": "\u202e112216".encode(),
        "a text of 100,000": b"1" * 100_000,
        "a wildcard": b"*",
    }.items():
        yield told(name, ((SPEAKER_HEADER, text),))
    yield told("header twice, alike", ((SPEAKER_HEADER, SOKA.encode()),) * 2)
    yield told("header twice, another", ((SPEAKER_HEADER, SOKA.encode()), (SPEAKER_HEADER, CHIYODA.encode())))
    yield told("header in capitals", ((SPEAKER_HEADER.upper(), SOKA.encode()),))
    yield told("header of a CloudEvent", (("ce_speaker", SOKA.encode()),))
    yield told("one header among many", ((SPEAKER_HEADER, SOKA.encode()), *((f"x{n}", None) for n in range(50))), None)
    named = raw(event(rng, MUNICIPAL, speaker=CHIYODA))
    yield in_town(Case("speaker: the value says another town", None, named))
    yield in_town(Case("a town at another town's source", None, raw(event(rng, MUNICIPAL, source=f"/municipalities/{CHIYODA}/counter"))))
    header = ((SPEAKER_HEADER, CHIYODA.encode()),)
    yield Case("a vendor with a town's header", "not_yours_to_say", raw(event(rng, MUNICIPAL)), TOKIWA, header, path="/type")


def corrections(rng: Random) -> Iterator[Case]:
    def corrected(name: str, reason: str | None, topic: str, path: str | None = None, **data: Any) -> Case:
        changes = {"type": PREFIX + "event.corrected", "data": {"id": "s-1", **data}}
        case = Case(f"correction of {name}", reason, raw(event(rng, topic, **changes)), topic=topic, path=path)
        return in_town(case) if topic == MUNICIPAL else case

    theirs = {
        "another vendor's": (PLAZA, "/vendors/tokiwa/kiosks/1"),
        "another vendor's whole server": (PLAZA, "/vendors/tokiwa"),
        "another vendor's, the other way": (TOKIWA, "/vendors/plaza/kiosks/1"),
        "J-LIS's, by a vendor": (PLAZA, "/j-lis/reception"),
        "a town's, by a vendor": (PLAZA, f"/municipalities/{SOKA}/counter"),
        "a vendor's, by J-LIS": (JLIS, "/vendors/plaza/kiosks/1"),
        "a town's, by J-LIS": (JLIS, f"/municipalities/{CHIYODA}/counter"),
        "another town's": (MUNICIPAL, f"/municipalities/{CHIYODA}/counter"),
        "a vendor's, by a town": (MUNICIPAL, "/vendors/plaza/kiosks/1"),
        "J-LIS's, by a town": (MUNICIPAL, "/j-lis/x"),
    }
    for name, (topic, source) in theirs.items():
        yield corrected(name, "not_yours_to_correct", topic, "/data/source", source=source)
    for name, data in {"nothing": {"id": None}, "an id alone": {}, "an empty source": {"source": ""}}.items():
        yield corrected(name, "incomplete_correction", PLAZA, "/data/source", **data)
    yield corrected("a source alone", "incomplete_correction", PLAZA, "/data/id", id="", source="/vendors/plaza/1")
    yield corrected("its own", None, PLAZA, source="/vendors/plaza/kiosks/1")
    yield corrected("nobody's", None, PLAZA, source="/free/1")
    yield corrected("a source that only begins alike", None, PLAZA, source="/vendors/plazas/1")
    yield corrected("a town that is none", None, MUNICIPAL, source="/municipalities/999999/counter")
    plain = event(rng, type=PREFIX + "event.corrected", subject=..., data={"source": "/vendors/plaza/1", "id": "s-1"})
    yield Case("correction of an event without a subject", "missing_subject", raw(plain), path="/subject")
