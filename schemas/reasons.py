"""Why a record is refused: one code each, with what it means and what its sender can do (``docs/events.md`` is made from it)."""

from enum import StrEnum


class Reason(StrEnum):
    """``Reason.X`` is the code that is counted and published; ``when`` and ``remedy`` are sentences for people."""

    when: str
    remedy: str

    def __new__(cls, code: str, when: str = "", remedy: str = "") -> "Reason":
        member = str.__new__(cls, code)
        member._value_ = code
        member.when = when
        member.remedy = remedy
        return member

    EMPTY = "empty", "The record has no value.", "Send one CloudEvent per record; to say that a source is alive, send source.heartbeat."
    TOO_LARGE = (
        "too_large",
        "Value and headers together are over 1 MiB, or its compressed batch unpacks to over 100 MB.",
        "Send one event per record, and no attachments.",
    )
    INVALID_ENCODING = "invalid_encoding", "The text is not UTF-8, or holds half of a surrogate pair.", "Encode the record in UTF-8."
    INVALID_JSON = (
        "invalid_json",
        "The value is not one JSON document.",
        "Send exactly one JSON object, without a byte order mark, NaN or Infinity; in a file, on one line.",
    )
    DUPLICATE_KEY = (
        "duplicate_key",
        "An object, or the headers, name one key twice.",
        "Name each key once: readers disagree about which one counts.",
    )
    TOO_DEEP = "too_deep", "The JSON is nested more than 64 levels deep.", "An event needs two levels: its attributes, and those of data."
    NUMBER_OUT_OF_RANGE = (
        "number_out_of_range",
        "A JSON number does not fit 64 bits.",
        "Send identifiers as text, and counts as whole numbers.",
    )
    NOT_CLOUDEVENTS = (
        "not_cloudevents",
        "It is no JSON object, or specversion, id, source or type is missing or empty.",
        "Send a CloudEvents 1.0 envelope, structured in the value or binary in headers ce_*.",
    )
    UNSUPPORTED_SPECVERSION = "unsupported_specversion", "specversion is not 1.0.", 'Send "specversion": "1.0".'
    WRONG_TYPE = (
        "wrong_type",
        "A field has another JSON type than the schema says.",
        "Send text as text, data as an object, count as a whole number.",
    )
    FIELD_TOO_LONG = "field_too_long", "A text of the schema is longer than 256 characters.", "Shorten it; explanations belong elsewhere."
    MISSING_SUBJECT = "missing_subject", "The type needs a subject, and there is none.", "Send the application's id as subject."
    BAD_SUBJECT = (
        "bad_subject",
        "subject is not an application's id.",
        "Send all digits of the id on the application form, without separators.",
    )
    MISSING_TIME = "missing_time", "time is missing.", "Send when it happened, as RFC 3339 with an offset."
    TIME_WITHOUT_OFFSET = "time_without_offset", "time says no offset from UTC.", "End time with an offset such as +09:00, or with Z."
    BAD_TIME = (
        "bad_time",
        "time (in a file also received) is no RFC 3339 instant of the years 1 to 9999.",
        "Send date, T, hours, minutes, seconds and offset; a leap second (:60) is sent as :59.",
    )
    UNKNOWN_TYPE = (
        "unknown_type",
        "type is neither a milestone of the policy nor one of the common types.",
        "Send one of the types listed in this document.",
    )
    UNKNOWN_SPEAKER = (
        "unknown_speaker",
        "There is no speaker, or nobody of this name is a party here.",
        "Ask the operator to be registered; in a file, set speaker, or give --speaker.",
    )
    NOT_YOURS_TO_SAY = (
        "not_yours_to_say",
        "The speaker's role may not say this type.",
        "Leave it to the party that holds the application then.",
    )
    NOT_YOURS_TO_CORRECT = "not_yours_to_correct", "The event to be corrected is another party's.", "Ask that party to correct it."
    INCOMPLETE_CORRECTION = (
        "incomplete_correction",
        "event.corrected does not name the event that it voids.",
        "Send that event's source and id in data.source and data.id.",
    )
    BAD_MUNICIPALITY = (
        "bad_municipality",
        "A municipality's code is not 6 digits with a valid check digit.",
        "Send the 6-digit code of the municipality, with its check digit.",
    )
    INDIVIDUAL_NUMBER = (
        "individual_number",
        "It holds 12 digits with the check digit of an individual number, in a value, a key or a header.",
        "Nobody here may hold that number: leave it out, and look for where it got in.",
    )
    POSSIBLE_INDIVIDUAL_NUMBER = (
        "possible_individual_number",
        "It holds 12 digits that look like an individual number, though the check digit does not fit.",
        "Use no bare 12-digit stamps or ids, together or as 4-4-4: add a letter, or write a UUID.",
    )


class Refused(Exception):
    """A record's own fault. Holds nothing of the record's value; ``path`` gives keys by position (``/data/#2``)."""

    def __init__(self, reason: Reason, path: str = "") -> None:
        super().__init__(f"{reason.value} at {path or '/'}")
        self.reason = reason
        self.path = path
