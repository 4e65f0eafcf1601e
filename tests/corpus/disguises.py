"""Individual numbers in every disguise that the number rule promises to see, in every place; and what it does not promise.

Digits are drawn when the test runs, half of them with a check digit that passes.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from schemas.situations import individual_number
from tests.corpus.binary_mode import attributes
from tests.corpus.cases import JLIS, MUNICIPAL, PLAZA, SOKA, SPEAKER_HEADER, TOKIWA, Case, event, in_town, raw

GAPS = {
    "space": " ", "hyphen": "-", "middle dot": "\u00b7", "katakana dot": "・", "half katakana dot": "･", "Unicode hyphen": "\u2010",
    "hard hyphen": "\u2011", "figure dash": "\u2012", "en dash": "\u2013", "em dash": "\u2014", "bar": "\u2015", "minus": "\u2212",
    "wide hyphen": "－", "long vowel": "ー", "half long vowel": "ｰ", "small hyphen": "\ufe63", "bullet": "•", "wave": "\u301c",
    "wide space": "\u3000", "hard space": "\u00a0", "thin space": "\u2009", "three spaces": "   ", "spaced hyphen": " - ",
    "box line": "\u2500",
    "tab": "\t", "line break": "\n",
}  # fmt: skip
ZEROS = {
    "full-width": "０", "Arabic-Indic": "\u0660", "Persian": "\u06f0", "Devanagari": "\u0966", "Bengali": "\u09e6", "Thai": "\u0e50",
    "Lao": "\u0ed0",
    "Khmer": "\u17e0", "Tibetan": "\u0f20", "Mongolian": "\u1810", "NKo": "\u07c0", "bold": "\U0001d7ce", "double-struck": "\U0001d7d8",
    "sans-serif": "\U0001d7e2", "typewriter": "\U0001d7f6", "segments": "\U0001fbf0", "subscript": "\u2080", "Adlam": "\U0001e950",
}  # fmt: skip
INVISIBLE = {
    "zero-width space": "\u200b", "joiner": "\u200d", "word joiner": "\u2060", "mark": "\ufeff", "soft hyphen": "\u00ad",
    "variation": "\ufe0f",
    "accent": "\u0301", "keycap": "\ufe0f\u20e3", "right-to-left mark": "\u200f", "override": "\u202e", "filler": "\u3164",
    "tag": "\U000e0041",
    "zero byte": "\0", "delete": "\x7f", "escape": "\x1b",
}  # fmt: skip

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Number(NamedTuple):
    digits: str
    fits: bool

    @property
    def reason(self) -> str:
        return "individual_number" if self.fits else "possible_individual_number"


def in_zeros(digits: str, zero: str) -> str:
    return digits.translate({ord("0") + digit: ord(zero) + digit for digit in range(10)})


def grouped(digits: str, gap: str) -> str:
    return gap.join((digits[:4], digits[4:8], digits[8:]))


def texts() -> dict[str, Callable[[str], str]]:
    """Name -> the digits as a text."""
    forms: dict[str, Callable[[str], str]] = {"plain": str}
    forms |= {f"4-4-4 with {name}": lambda n, gap=gap: grouped(n, gap) for name, gap in GAPS.items()}
    forms |= {f"{name} digits": lambda n, zero=zero: in_zeros(n, zero) for name, zero in ZEROS.items()}
    forms |= {f"{name} between": lambda n, mark=mark: mark.join(n) for name, mark in INVISIBLE.items()}
    return forms | {
        "circled": lambda n: "".join("⓪①②③④⑤⑥⑦⑧⑨"[int(digit)] for digit in n),
        "superscript": lambda n: "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in n),
        "scripts mixed": lambda n: "".join(in_zeros(digit, zero) for digit, zero in zip(n, "0０٠۰०๐" * 2, strict=True)),
        "full-width in groups": lambda n: grouped(in_zeros(n, "０"), "－"),
        "in a sentence": lambda n: f"個人番号は{n}です",
        "between letters": lambda n: f"a{n}b",
        "behind a prefix": lambda n: f"MN:{n}",
        "in brackets": lambda n: f"({grouped(n, ' ')})",
        "in a path": lambda n: f"/people/{n}/card",
        "in a URL": lambda n: f"https://example.jp/?my_number={n}&x=1",
        "in markup": lambda n: f"<b>{n}</b>",
        "twice": lambda n: f"{n} {n}",
        "beside an application's id": lambda n: f"99999999999999000000001/{n}",
        "behind a single digit": lambda n: f"1 {n}",
    }


JSON_TEXTS: dict[str, Callable[[str], str]] = {
    "JSON number": str,
    "negative": lambda n: f"-{n}",
    "float": lambda n: f"{n}.0",
    "float with a fraction": lambda n: f"{n}.25",
    "exponent": lambda n: f"{n[0]}.{n[1:]}e11",
    "exponent with a sign": lambda n: f"{n[0]}.{n[1:]}E+11",
    "exponent in the middle": lambda n: f"{n[:6]}.{n[6:]}e6",
    "exponent of 0": lambda n: f"{n}e0",
    "exponent downwards": lambda n: f"{n}0e-1",
    "zero before": lambda n: f"0.{n}e12",
    "escapes": lambda n: '"' + "".join(f"\\u{ord(digit):04x}" for digit in n) + '"',
    "every second an escape": lambda n: (
        '"' + "".join(digit if place % 2 else f"\\u{ord(digit):04X}" for place, digit in enumerate(n)) + '"'
    ),
    "full-width escapes": lambda n: json.dumps(in_zeros(n, "０")),
    "escapes in pairs": lambda n: json.dumps(in_zeros(n, "\U0001d7ce")),
    "groups by escapes": lambda n: f'"{n[:4]}\\u002d{n[4:8]}\\u30fb{n[8:]}"',
    "escaped zero-width": lambda n: '"' + "\\u200b".join(n) + '"',
}
"""Name -> the digits as JSON."""


def numbers(rng: Random) -> Iterator[Number]:
    fits = True
    while True:
        yield Number(individual_number(rng, passing=fits), fits)
        fits = not fits


def cases(rng: Random) -> list[tuple[Case, Number]]:
    """Each with a number of its own."""
    made: list[tuple[Case, Number]] = []
    drawn = numbers(rng)
    for name, form in texts().items():
        number = next(drawn)
        made.append((Case(f"{name} in data's reason", number.reason, raw(event(rng, data={"reason": form(number.digits)}))), number))
        number = next(drawn)
        made.append((Case(f"{name} as an extension's key", number.reason, raw(event(rng, **{form(number.digits): True}))), number))
    for name, form in JSON_TEXTS.items():
        number = next(drawn)
        value = raw(event(rng, data={"x": [{"y": "@"}]})).replace(b'"@"', form(number.digits).encode())
        made.append((Case(f"{name} deep in data", number.reason, value), number))
    for name, place in places(rng).items():
        number = next(drawn)
        made.append((place(number)._replace(name=f"number {name}"), number))
    return made


def places(rng: Random) -> dict[str, Callable[[Number], Case]]:
    """Where -> the record. A record that has another fault first keeps nothing of the number either."""

    def field(name: str) -> Callable[[Number], Case]:
        return lambda n: Case("", n.reason, raw(event(rng, **{name: n.digits})))

    def datum(name: str) -> Callable[[Number], Case]:
        return lambda n: Case("", n.reason, raw(event(rng, data={name: n.digits})))

    def first(reason: str, value: Callable[[str], bytes]) -> Callable[[Number], Case]:
        return lambda n: Case("", reason, value(n.digits))

    def binary(name: str) -> Callable[[Number], Case]:
        return lambda n: Case("", n.reason, b"{}", headers=attributes(rng, **{name: n.digits}))

    def header(name: str, text: bytes, **more: object) -> Case:
        return Case("", None, raw(event(rng)), headers=((name, text),), **more)  # type: ignore[arg-type]

    envelope = ("id", "source", "type", "time", "subject", "datacontenttype", "speaker", "received", "specversion", "extension")
    data = ("kiosk", "vendor", "kiosk_municipality", "residence_municipality", "batch", "source", "id", "sha256", "unknown")
    return {
        **{f"as {name}": field(name) for name in envelope},
        **{f"as data's {name}": datum(name) for name in data},
        **{f"as ce_{name}": binary(name) for name in ("id", "source", "subject", "extension")},
        "as a fraction of a second": lambda n: Case("", n.reason, raw(event(rng, time=f"2026-04-01T09:00:00.{n.digits}Z"))),
        "as count": lambda n: Case("", n.reason, raw(event(rng, data={"count": int(n.digits)}))),
        "as data": lambda n: Case("", n.reason, raw(event(rng, data=n.digits))),
        "in a list of lists": lambda n: Case("", n.reason, raw(event(rng, data={"x": [[[[n.digits]]]]}))),
        "60 levels deep": lambda n: Case("", n.reason, raw(event(rng, x="@")).replace(b'"@"', b"[" * 60 + n.digits.encode() + b"]" * 60)),
        "as a key deep in data": lambda n: Case("", n.reason, raw(event(rng, data={"x": [{"y": {n.digits: 1}}]}))),
        "as the key of a key": lambda n: Case("", n.reason, raw(event(rng, data={n.digits: {n.digits: n.digits}}))),
        "behind 10,000 keys": lambda n: Case("", n.reason, raw(event(rng, data={**{f"k{i}": i for i in range(10_000)}, "z": n.digits}))),
        "as the whole value": lambda n: Case("", n.reason, n.digits.encode()),
        "as a text alone": lambda n: Case("", n.reason, raw(n.digits)),
        "in a list of events": lambda n: Case("", n.reason, raw([event(rng, id=n.digits)])),
        "beside a wrong type": lambda n: Case("", n.reason, raw(event(rng, id=5, source=n.digits))),
        "in a key that comes twice": lambda n: Case("", n.reason, raw(event(rng))[:-1] + f', "{n.digits}": 1, "{n.digits}": 2}}'.encode()),
        "by another party's word": lambda n: Case("", n.reason, raw(event(rng, JLIS, subject=n.digits)), topic=TOKIWA),
        "by J-LIS": lambda n: Case("", n.reason, raw(event(rng, JLIS, id=n.digits)), topic=JLIS),
        "by a town": lambda n: in_town(Case("", n.reason, raw(event(rng, MUNICIPAL, data={"reason": n.digits})))),
        "in a header": lambda n: header("note", n.digits.encode())._replace(reason=n.reason, path="/headers/#0"),
        "in groups in a header": lambda n: header("note", grouped(n.digits, " ").encode())._replace(reason=n.reason),
        "full-width in a header": lambda n: header("note", in_zeros(n.digits, "０").encode())._replace(reason=n.reason),
        "as a header's name": lambda n: header(n.digits, b"x")._replace(reason=n.reason),
        "behind bytes in a header": lambda n: header("note", b"\xff\xfe" + n.digits.encode())._replace(reason=n.reason),
        "as the speaker": lambda n: Case("", n.reason, raw(event(rng, MUNICIPAL)), MUNICIPAL, ((SPEAKER_HEADER, n.digits.encode()),)),
        "as a second speaker": lambda n: in_town(
            Case("", n.reason, raw(event(rng, MUNICIPAL)), headers=((SPEAKER_HEADER, n.digits.encode()),)), SOKA.encode()
        ),
        "in a header of a tombstone": lambda n: Case("", "empty", None, headers=(("note", n.digits.encode()),)),
        "in binary data": lambda n: Case("", n.reason, raw({"reason": n.digits}), headers=attributes(rng)),
        "as the record's key": lambda n: Case("", None, raw(event(rng)), key=n.digits.encode()),
        "as the record's key, in groups": lambda n: Case("", None, raw(event(rng)), key=grouped(n.digits, "-").encode()),
        "in JSON that is cut off": first("invalid_json", lambda n: raw(event(rng, id=n))[:-1]),
        "cut off right behind it": first("invalid_json", lambda n: raw({"id": n})[:-2]),
        "in a word that is no JSON": first("invalid_json", lambda n: f"number {grouped(n, '-')}".encode()),
        "in XML": first("invalid_json", lambda n: f"<id>{n}</id>".encode()),
        "in CSV": first("invalid_json", lambda n: f"plaza,{n},soka".encode()),
        "in UTF-16": first("invalid_json", lambda n: json.dumps({"id": n}).encode("utf-16-le")),
        "in UTF-16 with a mark": first("invalid_encoding", lambda n: json.dumps({"id": n}).encode("utf-16")),
        "beside Shift_JIS": first("invalid_encoding", lambda n: raw({"id": n, "x": "@"}).replace(b"@", "草加".encode("shift_jis"))),
        "full-width in Shift_JIS": first("invalid_encoding", lambda n: f'{{"id": "{in_zeros(n, "０")}"}}'.encode("shift_jis")),
        "full-width in EUC-JP": first("invalid_encoding", lambda n: f'{{"id": "{in_zeros(n, "０")}"}}'.encode("euc_jp")),
        "with 0xff between": first("invalid_encoding", lambda n: b"\xff".join(digit.encode() for digit in n)),
        "behind 65 levels": first("too_deep", lambda n: b"[" * 65 + n.encode() + b"]" * 65),
        "behind 100,000 levels": first("too_deep", lambda n: f'["{n}",'.encode() + b"[" * 100_000),
        "before a number out of range": first("number_out_of_range", lambda n: f'{{"a": {n}, "b": 1e400}}'.encode()),
        "with digits before, beyond the range": first("number_out_of_range", lambda n: f'{{"a": 1e999, "b": "x{n}x"}}'.encode()),
        "in what is too large": lambda n: Case("", "too_large", raw(event(rng, id=n.digits, x="x" * 1_100_000)), codec="zstd"),
        "across the end of a dead letter": first("invalid_json", lambda n: b"x" * (256 * 1024 - 6) + n.encode()),
        "in a thousand copies": lambda n: Case("", n.reason, raw(event(rng, data={"x": [n.digits] * 1_000})), topic=PLAZA),
    }


UNPROMISED: dict[str, Callable[[str], str]] = {
    "groups of three": lambda n: "-".join((n[:3], n[3:6], n[6:9], n[9:])),
    "two groups of six": lambda n: f"{n[:6]}-{n[6:]}",
    "4-8": lambda n: f"{n[:4]}-{n[4:]}",
    "slashes": lambda n: grouped(n, "/"),
    "full stops": lambda n: grouped(n, "."),
    "underscores": lambda n: grouped(n, "_"),
    "four spaces": lambda n: grouped(n, "    "),
    "a letter between": lambda n: f"{n[:6]}x{n[6:]}",
    "within a longer run": lambda n: f"0{n}",
    "percent-encoded": lambda n: "".join(f"%{ord(digit):02x}" for digit in n),
    "references of HTML": lambda n: "".join(f"&#{ord(digit)};" for digit in n),
    "kanji": lambda n: n.translate({ord("0") + digit: "〇一二三四五六七八九"[digit] for digit in range(10)}),
    "Roman numerals": lambda n: "".join("NⅠⅡⅢⅣⅤⅥⅦⅧⅨ"[int(digit)] for digit in n),
    "words": lambda n: " ".join(WORDS[int(digit)] for digit in n),
    "letters for digits": lambda n: n.translate({ord("0") + digit: "abcdefghij"[digit] for digit in range(10)}),
    "hexadecimal": lambda n: f"0x{int(n):x}",
    "escapes escaped": lambda n: "".join(f"\\u{ord(digit):04x}" for digit in n),
    "ISO-2022-JP, escaped": lambda n: in_zeros(n, "０").encode("iso2022_jp").decode("ascii"),
}
"""Accepted as any other text: somebody who means to smuggle a number can. The rule is against numbers that got in by mistake."""
