"""Brings the rights to the brokers: adds what is missing, takes nothing away, and says what is there beyond them."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from streams.rights import Right

ANSWER_S = 30.0
TYPES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional-id": ResourceType.TRANSACTIONAL_ID}
KINDS: dict[Any, Any] = {value: key for key, value in TYPES.items()}


def add(admin: AdminClient, wanted: Iterable[Right]) -> tuple[list[Right], list[str]]:
    """Adds what is missing and takes nothing away: what was added, and a line for each right beyond these on the same things.

    KafkaException if the brokers refuse.
    """
    wanted, there = set(wanted), _there(admin)
    missing = sorted(wanted - there.keys())
    for outcome in admin.create_acls([_binding(right) for right in missing]).values() if missing else ():
        outcome.result(ANSWER_S)
    return missing, sorted(line for right, line in there.items() if right not in wanted and _touches(right, wanted))


def _touches(right: Right, wanted: Iterable[Right]) -> bool:
    """Whether it is about something of ours: by name, by prefix or as everything of its kind."""
    kind, name = right.kind, right.name
    return any(
        each.kind == kind and (each.name == name or name == "*" or (right.prefixed and each.name.startswith(name))) for each in wanted
    )


def _there(admin: AdminClient) -> dict[Right, str]:
    """What the brokers allow (or deny: then the operation says so), each with a line for a person."""
    anything: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY, anything, ResourcePatternType.ANY, anything, anything, AclOperation.ANY, AclPermissionType.ANY
    )
    found: list[Any] = admin.describe_acls(everything).result(ANSWER_S)
    return {
        _right(each): f"{each.principal}: {each.permission_type.name} {_operation(each)} on {each.name}"
        for each in found
        if each.restype in KINDS
    }


def _binding(right: Right) -> AclBinding:
    pattern = ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL
    operation = AclOperation[_upper(right.operation)]
    return AclBinding(TYPES[right.kind], right.name, pattern, right.principal, "*", operation, AclPermissionType.ALLOW)


def _right(each: Any) -> Right:
    prefixed = each.resource_pattern_type == ResourcePatternType.PREFIXED
    allowed = each.permission_type == AclPermissionType.ALLOW and each.host == "*"
    operation = _operation(each) if allowed else f"{each.permission_type.name} {_operation(each)} from {each.host}"
    return Right(each.principal, KINDS[each.restype], each.name, prefixed, operation)


def _operation(each: Any) -> str:
    return "".join(word.capitalize() for word in each.operation.name.split("_"))


def _upper(operation: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in operation).lstrip("_")
