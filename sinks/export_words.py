"""What the columns of an export are called in Japanese: for those who open it in a spreadsheet."""

HEADERS = {
    "at": "通知日時",
    "attempt": "申請回数",
    "batch": "送信単位",
    "closed_at": "終了日時",
    "closed_before": "終了日時の上限",
    "due_at": "期限",
    "duty_basis": "義務の根拠",
    "entered_at": "開始日時",
    "event": "イベント識別子",
    "holder": "保持者",
    "hop": "区間",
    "kind": "通知の種類",
    "kiosk": "キオスク",
    "kiosk_municipality": "設置市区町村コード",
    "level": "段階",
    "limit_rule": "適用した期限の規則",
    "policy_version": "規則の版",
    "reason": "取消しの理由",
    "received": "受信日時",
    "residence_municipality": "住所地市区町村コード",
    "revision": "更新番号",
    "role": "役割",
    "rule": "適用した期限の規則",
    "speaker": "発信者",
    "state": "状態",
    "supervisor": "監督者",
    "time": "発生日時",
    "token": "申請（仮名）",
    "type": "種類",
    "vendor": "事業者",
}
"""Column -> its header; instants are in the policy's time zone there."""
FILES = {"hops": "区間", "events": "イベント", "transitions": "通知"}
"""Table -> the name of its CSV."""
