"""``tairyu where``: one application, for the person at the counter. Asks history by token: the id goes no further than here."""

import getpass
import sys
import unicodedata
from typing import Annotated, Any

import orjson
import typer

from schemas.events import CORRECTED
from schemas.identity import last4, token
from schemas.instants import to_text, to_us
from streams.cli import app
from streams.cli.answers import Sorry, key_from
from streams.cli.asking import history_client
from streams.cli.counter import Answer, facts, handed_on, sentence
from streams.cli.running import Data, settings_of
from streams.custody import AHEAD_US
from streams.parties import Parties, load_parties
from streams.policy import Holder, Policies, Policy
from streams.policy_file import load_policies
from streams.settings import Settings

HOPS = """
SELECT hop, attempt, holder, vendor, kiosk, entered_at, due_at, level, policy_version
FROM hops_now WHERE token = {token:String} AND state = 'open'
"""
SAID = """
SELECT type, time, received FROM events
WHERE token = {token:String} AND (speaker, source, event_id) NOT IN (
    SELECT speaker, JSONExtractString(data, 'source'), JSONExtractString(data, 'id') FROM events
    WHERE token = {token:String} AND type = {corrected:String}
)
"""
WITH_IT = """
SELECT count() FROM hops_now
WHERE state = 'open' AND hop = {hop:String} AND ({kiosk:Nullable(String)} IS NULL OR kiosk = {kiosk:Nullable(String)})
"""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def where(
    context: typer.Context,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="The facts as one line of JSON.")] = False,
) -> None:
    """Where one application is: for the person at the counter.

    Asks for the application's id (申請書ID), or reads it from standard input. It is never an argument, never echoed, never logged.
    "Nobody has reported it to us" is an answer: exit code 0.
    """
    if context.args:  # typer would repeat them
        raise Sorry("where takes no argument: it asks for the id, or reads it from standard input. The shell may have kept what you typed")
    settings = settings_of(data)
    policies = load_policies(settings.policy)
    typed = getpass.getpass("申請書ID（23桁）: ") if sys.stdin.isatty() else sys.stdin.readline()
    found = answer(settings, policies, typed)
    if as_json:
        print(orjson.dumps(found).decode())
        return
    print(sentence(found, policies.newest))
    for label, fact in facts(found, policies.newest):
        print(f"  {label}：{fact}")


def answer(settings: Settings, policies: Policies, typed: str) -> Answer:
    """The facts; ``reported`` is False if nobody has said anything of it. Sorry if it is no application's id."""
    policy = policies.newest
    subject = "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "")
    if not policy.subject.fullmatch(subject):
        raise Sorry(f"that is no application's id (申請書ID): expected {policy.subject.pattern}, got {len(subject)} characters")
    client = history_client(settings)
    named = {"token": token(key_from(settings.key_file, told=False), subject)}
    said = client.query(SAID, parameters={**named, "corrected": CORRECTED}).result_rows
    milestones = _milestones(said, policy)
    found: Answer = {"last4": last4(subject), "reported": bool(said), "milestones": milestones}
    found["received"] = milestones.get(handed_on(policy))
    rows = list(client.query(HOPS, parameters=named).named_results())
    if not rows:
        return {**found, "hop": None}
    last = max(rows, key=lambda row: (row["attempt"], policy.hop_order.get(row["hop"], -1)))
    return found | _held(client, last, policies, load_parties(settings.parties, policy))


def _milestones(said: Any, policy: Policy) -> dict[str, str]:
    """The milestones of the present attempt, each with its earliest instant, as custody takes it: a time that cannot be is the arrival."""
    at_us: dict[str, list[int]] = {}
    for name, time, received in said:
        if name in policy.milestones:
            received_us = to_us(received)
            claimed_us = received_us if time is None else to_us(time)
            usable = policy.epoch_us <= claimed_us <= received_us + AHEAD_US
            at_us.setdefault(name, []).append(claimed_us if usable else received_us)
    begun_us = max(at_us.get(policy.attempt_begins or "", [0]))
    present = {name: min(each for each in instants if each >= begun_us) for name, instants in at_us.items() if max(instants) >= begun_us}
    return {name: to_text(present[name]) for name in policy.milestones if name in present}


def _held(client: Any, row: dict[str, Any], policies: Policies, parties: Parties) -> Answer:
    policy = policies.named(row["policy_version"]) or policies.newest
    holder = policy.holders[row["holder"]]
    at_kiosk = row["kiosk"] if holder.name == policy.attribution_role else None
    together = client.query(WITH_IT, parameters={"hop": row["hop"], "kiosk": at_kiosk}).result_rows[0][0]
    return {
        "hop": row["hop"],
        "hop_label": policy.hops[row["hop"]].label,
        "attempt": row["attempt"],
        "holder": holder.name,
        "holder_label": holder.label,
        "vendor": row["vendor"],
        "since": to_text(to_us(row["entered_at"])),
        "expected_by": None if row["due_at"] is None else to_text(to_us(row["due_at"])),
        "level": row["level"],
        "waiting_at_the_same_place": together,
        "duty_basis": holder.duty_basis,
        "supervisor": holder.supervisor,
        "contact": _contact(holder, row["vendor"], policy, parties),
    }


def _contact(holder: Holder, vendor: str | None, policy: Policy, parties: Parties) -> str:
    """Of the party itself, where it is known who it is; else what the policy says for all of its kind."""
    names = (vendor,) if holder.name == policy.attribution_role else parties.of_role(holder.name)
    party = parties.party(names[0]) if len(names) == 1 and names[0] else None
    return holder.contact if party is None else party.contact
