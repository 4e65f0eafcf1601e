"""The hops of an application's record, as the watch's own rules tell them. Pure."""

from collections.abc import Sequence

from msgspec.structs import astuple

from schemas.records import Application
from sinks.rows import HopRow
from sinks.tails import HistoryError
from streams.ordinary_hops import OrdinaryHops
from streams.policy import Policies
from streams.verdicts import hop_verdicts


class KnownHops:
    """Hops as the watch's own rules tell them, with the policies that the watch had."""

    def __init__(self, policies: Policies) -> None:
        self._policies, self._ordinary = policies, OrdinaryHops(policies)

    def rows(self, token: str, record: Application) -> Sequence[HopRow]:
        """HistoryError if the watch had a policy that is missing here."""
        for version in {hop.policy_version for hop in record.open_hops} | {said.policy_version for said in record.said}:
            if self._policies.named(version) is None:
                raise HistoryError(f"the watch judged by policy version {version!r}, which is not among the versions loaded here")
        rows = self._ordinary.rows(token, record)
        return [astuple(hop) for hop in hop_verdicts(token, record, self._policies)] if rows is None else rows
