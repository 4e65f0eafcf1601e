"""What was odd about an application or one of its hops, taken all the same: the flags of a verdict, each with what it tells its sender."""

FLAGS = {
    "conflict": "One source and id came with two contents: both are kept. Give every event an id of its own.",
    "correction_of_correction": "A correction was itself corrected, which has no effect. Say what is right in a new event.",
    "time_replaced": "A claimed time lay in the future or before the policy's epoch: arrival counts. Check clock and offset.",
    "two_vendors": "Another vendor spoke first: what the second says is kept, and not counted. Check the subjects.",
    "reversed": "A hop ended before it began, and counts as in time. Check clock and offset.",
    "undated": "The calendar does not reach that far: no limit is known, and nothing is said.",
}
