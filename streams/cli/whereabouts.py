"""Where one application is, in facts and in one plain Japanese sentence. Asks history by token: the id goes no further than here."""

import unicodedata
from typing import Any

from schemas.events import PREFIX
from schemas.identity import last4, token
from schemas.instants import from_text, from_us, to_text, to_us
from streams.cli.answers import Sorry, key_from
from streams.cli.asking import history_client
from streams.policy import Policies, Policy
from streams.settings import Settings

Answer = dict[str, Any]

HOPS = """
SELECT hop, attempt, holder, vendor, kiosk, residence_municipality, entered_at, due_at, level, policy_version
FROM hops_now WHERE token = {token:String} AND state = 'open'
"""
SAID = "SELECT type, min(time) AS first FROM events WHERE token = {token:String} GROUP BY type"
WITH_IT = """
SELECT count() FROM hops_now
WHERE state = 'open' AND hop = {hop:String} AND ({kiosk:Nullable(String)} IS NULL OR kiosk = {kiosk:Nullable(String)})
"""


def answer(settings: Settings, policies: Policies, typed: str) -> Answer:
    """The facts; ``reported`` is False if nobody has said anything of it. Sorry if it is no application's id."""
    subject = "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "")
    if not policies.newest.subject.fullmatch(subject):
        raise Sorry(f"that is no application's id: expected {policies.newest.subject.pattern}, got {len(subject)} characters")
    client = history_client(settings)
    named = {"token": token(key_from(settings.key_file, told=False), subject)}
    said = {name.removeprefix(PREFIX): to_text(to_us(first)) for name, first in client.query(SAID, parameters=named).result_rows}
    milestones = {name: said[name] for name in policies.newest.milestones if name in said}
    found: Answer = {"last4": last4(subject), "reported": bool(said), "milestones": milestones, "hop": None}
    rows = list(client.query(HOPS, parameters=named).named_results())
    if rows:
        order = policies.newest.hop_order
        found |= _held(client, max(rows, key=lambda row: (row["attempt"], order.get(row["hop"], -1))), policies)
    return found


def _held(client: Any, row: dict[str, Any], policies: Policies) -> Answer:
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
        "contact": holder.contact,
    }


def handed_on(policy: Policy) -> str:
    """The first milestone by which custody leaves whoever the application is attributed to (here: J-LIS has received it)."""
    own = {policy.attribution_role, None}
    return next(name for name, milestone in policy.milestones.items() if milestone.passes_to not in own and not milestone.claim)


def sentence(found: Answer, policy: Policy) -> str:
    """For the person at the counter, to be read aloud."""
    name = f"申請（下4桁 {found['last4']}）"
    if not found["reported"]:
        return f"{name}については、まだどこからも報告を受けていません。撮影機の控えと日付をご確認のうえ、窓口にお知らせください。"
    received = policy.milestones[handed_on(policy)]
    done = found["milestones"].get(handed_on(policy))
    step = f"{received.label}は {_when(done, policy)} に済んでいます。" if done else f"{received.label}はまだ確認されていません。"
    if found["hop"] is None:
        return f"{name}は、{_last(found, policy)}。{step}"
    holder = f"{found['holder_label']}（{found['vendor']}）" if found["holder"] == policy.attribution_role else found["holder_label"]
    late = "予定より遅れています。" if found["level"] else ""
    due = f"通常は {_when(found['expected_by'], policy)} までに次へ進みます。" if found["expected_by"] else ""
    return (
        f"{name}は、{_when(found['since'], policy)} から「{found['hop_label']}」の段階で、{holder}のもとにあります。{late}{due}{step}"
        f"同じところで {found['waiting_at_the_same_place']} 件が待っています。お問い合わせ先：{found['contact']}"
    )


def _last(found: Answer, policy: Policy) -> str:
    reached = [name for name in policy.order if name in found["milestones"]]
    if not reached:
        return "問い合わせの記録だけがあります"
    return f"{_when(found['milestones'][reached[-1]], policy)} に「{policy.milestones[reached[-1]].label}」まで済んでいます"


def _when(text: str | None, policy: Policy) -> str:
    if text is None:
        return ""
    at = from_us(from_text(text)).astimezone(policy.timezone)
    return f"{at.year}年{at.month}月{at.day}日{at.hour}時{at.minute:02d}分"
