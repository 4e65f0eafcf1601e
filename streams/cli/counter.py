"""What the person at the counter is told of one application: a plain Japanese sentence, to be read aloud, and the facts. Pure."""

from collections.abc import Iterator
from typing import Any

from schemas.instants import from_text, from_us
from streams.policy import Policy

Answer = dict[str, Any]
"""The facts of ``tairyu where``; from ``hop`` on only while somebody has it."""

DUTIES = {"statute": "法令", "contract": "契約", "none": "義務の定めがない"}
SUPERVISORS = {"none": "監督する機関がない", "unknown": "不明"}


def handed_on(policy: Policy) -> str:
    """The first milestone by which custody leaves whoever the application is attributed to (here: J-LIS has received it)."""
    own = {policy.attribution_role, None}
    return next(name for name, milestone in policy.milestones.items() if milestone.passes_to not in own and not milestone.claim)


def sentence(found: Answer, policy: Policy) -> str:
    name = f"申請（下4桁 {found['last4']}）"
    if not found["reported"]:
        return f"{name}については、まだどこからも報告を受けていません。撮影機の控えと日付をご確認のうえ、窓口にお知らせください。"
    if found["hop"] is None:
        return f"{name}は、{_last(found, policy)}。"
    late = "予定より遅れています。" if found["level"] else ""
    due = f"通常は {_when(found['expected_by'], policy)} までに次へ進みます。" if found["expected_by"] else ""
    return (
        f"{name}は、{_when(found['since'], policy)} から「{found['hop_label']}」の段階で、{_holder(found, policy)}のもとにあります。"
        f"{late}{due}{_received(found, policy)}"
        f"同じところで {found['waiting_at_the_same_place']} 件が待っています。お問い合わせ先：{found['contact']}"
    )


def facts(found: Answer, policy: Policy) -> Iterator[tuple[str, str]]:
    """Label and fact, a line each; nothing of an application that nobody has reported."""
    for name, at in found["milestones"].items():
        yield policy.milestones[name].label, _when(at, policy)
    if not found["reported"] or found["hop"] is None:
        return
    yield "現在の段階", f"{found['hop_label']}（{found['attempt']} 回目の申請）"
    yield "現在の保持者", _holder(found, policy)
    duty, supervisor = str(found["duty_basis"]), str(found["supervisor"])
    yield "保持者の義務の根拠", DUTIES.get(duty, duty)
    yield "監督機関", SUPERVISORS.get(supervisor, supervisor)
    yield "同じところで待つ件数", f"{found['waiting_at_the_same_place']} 件（この申請を含む）"


def _holder(found: Answer, policy: Policy) -> str:
    if found["holder"] == policy.attribution_role and found["vendor"]:
        return f"{found['holder_label']}（{found['vendor']}）"
    return str(found["holder_label"])


def _received(found: Answer, policy: Policy) -> str:
    label = policy.milestones[handed_on(policy)].label
    return f"{label}は {_when(found['received'], policy)} に済んでいます。" if found["received"] else f"{label}はまだ確認されていません。"


def _last(found: Answer, policy: Policy) -> str:
    reached = [name for name in policy.order if name in found["milestones"]]
    if not reached:
        return "問い合わせなどの記録だけがあり、手続の報告はまだ受けていません"
    return f"{_when(found['milestones'][reached[-1]], policy)} に「{policy.milestones[reached[-1]].label}」まで済んでいます"


def _when(text: str, policy: Policy) -> str:
    at = from_us(from_text(text)).astimezone(policy.timezone)
    return f"{at.year}年{at.month}月{at.day}日{at.hour}時{at.minute:02d}分"
