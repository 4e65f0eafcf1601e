"""Who sends, under which names: ``parties.yaml``. Topics, the input set and rights follow from it."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from schemas.cards import PARTY, Card
from schemas.identity import municipality_ok
from schemas.records import TOKEN_LENGTH
from streams.audits import DISPUTE_STATES, REPLY_STATES, Inspection, Statement, read_inspections, read_statements
from streams.marked_yaml import Fault, Spot, raise_faults, read_document
from streams.policy import Policy

RULES: dict[str, Callable[[str], bool]] = {"municipality_code": municipality_ok}
"""What the names of a family may be called in the file, and what they are."""
RESERVED = re.compile(rf"pulse|refusal|[0-9a-f]{{{TOKEN_LENGTH}}}")
"""Keys of ``custody-log`` that mean something else than a party."""
SOURCE = re.compile(r"\S*/")
KEYS = ("role", "label", "contact", "sources")


@dataclass(frozen=True)
class Party:
    """``sources``: what its events' CloudEvents ``source`` begins with, each ending in ``/``."""

    name: str
    role: str
    label: str
    contact: str
    sources: tuple[str, ...]
    retired: bool = False
    partitions: int | None = None
    """Of its own topic; None: as settings or card say."""
    inspections: tuple[Inspection, ...] = ()
    replies: tuple[Statement, ...] = ()
    disputes: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Family:
    """Parties that are known by a rule for their names. Their ``sources`` contain the name, as ``{party}``."""

    rule: str
    role: str
    label: str
    contact: str
    sources: tuple[str, ...]

    def owns(self, name: str) -> bool:
        return RULES[self.rule](name)

    @cached_property
    def prefixes(self) -> tuple[re.Pattern[str], ...]:
        return tuple(re.compile(re.escape(source).replace(re.escape(PARTY), "([^/]+)", 1)) for source in self.sources)


@dataclass(frozen=True)
class Parties:
    input_set: int
    """The number that pulses name; raised with every change of what intake reads."""
    parties: dict[str, Party]
    families: tuple[Family, ...]

    def role(self, name: str) -> str | None:
        """The role of a speaker, retired or not; None: nobody we know."""
        known = self.parties.get(name) or self._family(name)
        return None if known is None else known.role

    def party(self, name: str) -> Party | None:
        """The party of that name; a family's is made up from its rule."""
        known = self.parties.get(name)
        if known is not None:
            return known
        family = self._family(name)
        if family is None:
            return None
        sources = tuple(source.replace(PARTY, name) for source in family.sources)
        return Party(name, family.role, family.label, family.contact, sources)

    def owner_of_source(self, source: str) -> str | None:
        """The party under whose longest prefix a CloudEvents ``source`` falls; None: nobody's."""
        path = source if source.endswith("/") else f"{source}/"
        owners = [(len(prefix), party.name) for party in self.parties.values() for prefix in party.sources if path.startswith(prefix)]
        for family in self.families:
            matches = (pattern.match(path) for pattern in family.prefixes)
            owners += [(match.end(), match[1]) for match in matches if match and family.owns(match[1])]
        return max(owners, default=(0, None))[1]

    def of_role(self, role: str) -> tuple[str, ...]:
        """The parties of a role that are named in the file and not retired, in its order."""
        return tuple(party.name for party in self.parties.values() if party.role == role and not party.retired)

    def vendors(self, policy: Policy) -> tuple[str, ...]:
        """The parties with feeds of their own, retired ones omitted: whose clocks applications wait for."""
        return tuple(name for role, speaker in policy.speakers.items() if speaker.own_feed for name in self.of_role(role))

    def _family(self, name: str) -> Family | None:
        return next((family for family in self.families if family.owns(name)), None)


@dataclass(frozen=True)
class Feed:
    """One public topic of the input set."""

    topic: str
    card: str
    """The name of its card."""
    party: str | None
    """Whose own feed it is; None: shared."""
    roles: tuple[str, ...]
    """The roles that may speak there."""
    speaker: str | None
    """Who speaks, if the topic itself says it; None: the record's header does."""
    partitions: int


def load_parties(path: Path, policy: Policy | None = None) -> Parties:
    """The parties of a file, their roles checked against the policy if it is given; PolicyError names every mistake."""
    faults: list[Fault] = []
    file = read_document(path, faults).keys(("input_set", "parties"), ("families",))
    roles = [] if policy is None else list(policy.speakers)
    shared = [] if policy is None else [role for role, speaker in policy.speakers.items() if not speaker.own_feed]
    parties = {name: _party(name, spot, roles) for name, spot in file["parties"].named("parties").items()}
    families = () if file["families"].missing else tuple(_family(item, shared) for item in file["families"].items("families"))
    _check_sources(file["parties"], parties)
    input_set = file["input_set"].whole("a whole number")
    raise_faults(faults)
    return Parties(input_set, parties, families)


def public_feeds(parties: Parties, policy: Policy, cards: Mapping[str, Card], partitions: int | None = None) -> dict[str, Feed]:
    """Topic -> feed, for every public topic that intake reads. ``partitions``: the setting, instead of the cards' numbers.

    PolicyError if a role of the policy has no feed or more than one, or cards and policy differ in whose feed it is.
    """
    faults = _role_faults(policy, cards)
    feeds = [feed for name, card in cards.items() if card.public for feed in _feeds(name, card, parties, partitions)]
    unnamed = [feed.card for feed in feeds if feed.speaker is None and cards[feed.card].speaker_header is None]
    faults += [Fault(f"card {name}", 0, "expected a speaker_header: not exactly one party speaks there") for name in unnamed]
    raise_faults(faults)
    return {feed.topic: feed for feed in feeds}


def _feeds(name: str, card: Card, parties: Parties, partitions: int | None) -> list[Feed]:
    width = partitions or card.partitions
    spoken = [(role, party) for role in card.speakers for party in parties.of_role(role)]
    if not card.own_feed:
        several = len(spoken) != 1 or any(family.role in card.speakers for family in parties.families)
        only = None if several or card.speaker_header is not None else spoken[0][1]
        return [Feed(card.topic(), name, None, card.speakers, only, width)]
    return [Feed(card.topic(party), name, party, (role,), party, parties.parties[party].partitions or width) for role, party in spoken]


def _role_faults(policy: Policy, cards: Mapping[str, Card]) -> list[Fault]:
    faults: list[Fault] = []
    for role, speaker in policy.speakers.items():
        names = [name for name, card in cards.items() if role in card.speakers]
        if len(names) != 1:
            faults.append(Fault(f"speaker {role}", 0, f"expected one card that it speaks on, got {', '.join(names) or 'none'}"))
        elif cards[names[0]].own_feed != speaker.own_feed:
            wanted = f"{PARTY} in its topic's name" if speaker.own_feed else f"no {PARTY} in its topic's name"
            faults.append(Fault(f"card {names[0]}", 0, f"expected {wanted}, as the speaker {role} is in the policy"))
    return faults


def _party(name: str, spot: Spot, roles: Collection[str]) -> Party:
    if RESERVED.fullmatch(name):
        spot.fault("is a word of custody-log's keys, and can be no party's name")
    keys = spot.keys(KEYS, ("retired", "partitions", "inspections", "replies", "disputes"))
    partitions = None if keys["partitions"].missing else keys["partitions"].whole("a number of partitions")
    sources = _sources(keys["sources"])
    role, label, contact = keys["role"].one_of(roles, "a speaker of the policy"), keys["label"].text(), keys["contact"].text()
    return Party(
        *(name, role, label, contact, sources, keys["retired"].flag(), partitions),
        inspections=read_inspections(keys["inspections"]),
        replies=read_statements(keys["replies"], REPLY_STATES),
        disputes=read_statements(keys["disputes"], DISPUTE_STATES),
    )


def _family(spot: Spot, shared: Collection[str]) -> Family:
    """Who is known by a rule has no topic of its own: nobody could list the topics."""
    keys = spot.keys(("names", *KEYS))
    rule = keys["names"].one_of(RULES, "one of")
    role = keys["role"].one_of(shared, "a speaker of the policy without a feed of its own")
    return Family(rule, role, keys["label"].text(), keys["contact"].text(), _sources(keys["sources"], f"/{PARTY}/"))


def _sources(spot: Spot, holding: str = "") -> tuple[str, ...]:
    items = spot.items("sources")
    for item in items:
        source = item.text()
        if SOURCE.fullmatch(source) is None or holding not in source or (not holding and PARTY in source):
            item.expected(f"the beginning of a source, like /vendors{holding or '/plaza/'}")
    return tuple(item.text() for item in items)


def _check_sources(spot: Spot, parties: Mapping[str, Party]) -> None:
    """No two parties begin their sources alike (one below another's is fine: the longest counts)."""
    owners: dict[str, str] = {}
    for party in parties.values():
        for source in party.sources:
            if owners.setdefault(source, party.name) != party.name:
                spot.entries()[party.name].fault(f"expected sources of its own, got {source!r}, which is {owners[source]}'s")
