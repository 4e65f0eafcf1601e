"""``python -m schemas.lint [FOLDER]``: whether cards, schemas and examples agree with each other.

FOLDER holds ``topics/`` and ``examples/``; without it, Tairyu's own. Prints ``FILE: key: what is wrong`` and ends with 1 if anything is.
Whether an invalid example is refused for the reason it names is for intake to say, and a test asks it.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import msgspec

from schemas.cards import PARTY, Card, Fault, read_cards
from schemas.events import PublicEvent
from schemas.json_schemas import FILE_FORMATS, MESSAGES, kebab
from schemas.numbers import number_in
from schemas.situations import ENDINGS, FILES, Situation, situations

HERE = Path(__file__).parent
PUBLIC = PublicEvent.__name__
FILE_ENDINGS = ENDINGS | {".csv"}
BY_KEBAB = {kebab(name): name for name in MESSAGES}


def main(arguments: list[str]) -> int:
    """The exit code; prints every fault."""
    faults = lint(Path(arguments[0]) if arguments else HERE)
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults" if faults else "cards, schemas and examples agree", file=sys.stderr)
    return 1 if faults else 0


def lint(folder: Path) -> list[Fault]:
    """Every fault of a folder of cards and examples, in the order of files."""
    cards, unreadable = read_cards(folder / "topics")
    examples = situations(root=folder / "examples")
    if unreadable:  # what belongs to such a card would seem to belong to none
        return unreadable
    faults = [*_card_faults(cards, examples), *_belonging(folder / "examples", cards, examples)]
    return faults + [fault for example in examples for fault in _example_faults(folder / "examples", example)]


def _card_faults(cards: dict[str, Card], examples: list[Situation]) -> Iterator[Fault]:
    names = Counter(card.name for card in cards.values())
    for stem, card in cards.items():
        wrong = [*_name(stem, card, names), *_schemas(card), *_speakers(card), *_partitions(card, cards), *_examples(card, examples)]
        yield from (Fault(f"{stem}.yaml", key, what) for key, what in wrong)
    spoken = {name for card in cards.values() for name in card.schemas}
    orphans = sorted(MESSAGES.keys() - spoken - FILE_FORMATS)
    yield from (Fault("topics", "schema", f"no topic holds {name}") for name in orphans)


def _name(stem: str, card: Card, names: Counter[str]) -> Iterator[tuple[str, str]]:
    if card.name.removesuffix(f".{PARTY}") != stem:
        yield "name", f"{card.name!r} is not named as its file"
    if names[card.name] > 1:
        yield "name", f"{card.name!r} is the name of {names[card.name]} cards"


def _schemas(card: Card) -> Iterator[tuple[str, str]]:
    for name in card.schemas:
        if name not in MESSAGES:
            yield "schema", f"there is no message {name!r}; there are {', '.join(MESSAGES)}"
        elif name in FILE_FORMATS:
            yield "schema", f"{name} is a line of a file and stands in no topic"


def _speakers(card: Card) -> Iterator[tuple[str, str]]:
    if (PUBLIC in card.schemas) != card.public:
        yield "speakers", f"a topic of {PUBLIC} needs speakers, and no other may have any"
    if card.public and card.timestamp_type != "LogAppendTime":
        yield "timestamp_type", "a public topic needs LogAppendTime: arrival is the broker's to say"
    if card.speaker_header and (card.own_feed or not card.public):
        yield "speaker_header", "only a public topic that several parties share has one"


def _partitions(card: Card, cards: dict[str, Card]) -> Iterator[tuple[str, str]]:
    if card.partitioned_as is None:
        return
    model = cards.get(card.partitioned_as)
    if model is None:
        yield "partitioned_as", f"there is no card {card.partitioned_as!r}"
    elif model.partitions != card.partitions:
        yield "partitions", f"expected {model.partitions}, as {card.partitioned_as} has, not {card.partitions}"


def _examples(card: Card, examples: list[Situation]) -> Iterator[tuple[str, str]]:
    mine = [example for example in examples if example.folder == card.examples]
    if not mine:
        yield "examples", f"there is no example in {card.examples}"
        return
    shown = {PUBLIC if example.public else BY_KEBAB.get(example.schema or "") for example in mine if example.reason is None}
    yield from (("examples", f"{card.examples} has no valid example of {name}") for name in card.schemas if name not in shown)


def _belonging(root: Path, cards: dict[str, Card], examples: list[Situation]) -> Iterator[Fault]:
    spoken: dict[str, set[str]] = {FILES: {*FILE_FORMATS, PUBLIC}}
    for card in cards.values():
        spoken.setdefault(card.examples, set()).update(card.schemas)
    for example in examples:
        name, schema = _shown(root, example.path), PUBLIC if example.public else BY_KEBAB.get(example.schema or "")
        if example.folder not in spoken:
            yield Fault(name, "-", "belongs to no card")
        elif schema is not None and schema not in spoken[example.folder]:
            yield Fault(name, "-", f"is a {schema}, which its card does not name")
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in FILE_ENDINGS)
    yield from (Fault(_shown(root, path), "-", f"is no example: none of {', '.join(sorted(FILE_ENDINGS))}") for path in files)


def _example_faults(root: Path, example: Situation) -> Iterator[Fault]:
    name = _shown(root, example.path)
    if number_in(example.path.read_text(encoding="utf-8", errors="replace")):
        yield Fault(name, "-", "holds a number of 12 digits: write {{individual_number}} or {{twelve_digits}}")
    if example.public and example.reason is not None:
        if not example.reason:
            yield Fault(name, "-", "an invalid example is named REASON--situation")
        yield from (Fault(name, "-", wrong) for wrong in _unfillable(example))
        return
    schema = PUBLIC if example.public else BY_KEBAB.get(example.schema or "")
    if schema is None:
        yield Fault(name, "-", f"expected a name SCHEMA--situation with one of {', '.join(BY_KEBAB)}")
        return
    wrong = [*_unfillable(example)] or _undecodable(example.values(Random(0)), MESSAGES[schema])
    yield from (Fault(name, "-", what) for what in wrong)


def _unfillable(example: Situation) -> Iterator[str]:
    try:
        example.values(Random(0))
    except ValueError as error:
        yield str(error)


def _undecodable(values: Iterable[bytes], message: type[msgspec.Struct]) -> Iterator[str]:
    for value in values:
        try:
            decoded = msgspec.json.decode(value, type=message)
        except msgspec.MsgspecError as error:
            yield f"is no {message.__name__}: {error}"
            continue
        if isinstance(decoded, PublicEvent) and decoded.speaker is None:
            yield "names no speaker"


def _shown(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
