"""``tairyu topics``: the topics of a set-up, and the rights on them, as their cards and the parties say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import orjson
import typer

from schemas.cards import Card, load_cards
from streams.cli import app
from streams.cli.answers import Screen, Sorry
from streams.cli.history import table_of
from streams.cli.running import Data, settings_of, topics_of
from streams.parties import Feed, Parties, load_parties, public_feeds
from streams.policy_file import load_policies
from streams.settings import Settings, load_settings
from streams.topic_check import check_topics
from streams.topics import admin_client, ensure_topics, wanted_topics

topics_app = typer.Typer(invoke_without_command=True)
app.add_typer(topics_app, name="topics")


@topics_app.callback()
def topics(
    context: typer.Context,
    create: Annotated[bool, typer.Option("--create", help="Create those that are missing; what exists stays as it is.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare those that exist with their cards; nothing is changed.")] = False,
    data: Data = None,
) -> None:
    """List the topics that a set-up needs; with --create, make them on the brokers of the settings (TAIRYU_BROKERS), or of `tairyu up`.

    With --check, each difference from the cards is a line with what to do, and nothing is changed: exit code 1 if there is one.
    """
    if context.invoked_subcommand is not None:
        return
    settings, cards, feeds, parties = _contract(data, asks=check or create)
    if check or create:
        admin = admin_client(settings)
        topics_of(admin, settings.brokers)  # said at once, if nobody answers there
    if check:
        found = check_topics(admin, settings, cards, feeds, parties)
        print("\n".join(map(str, found)) or "All topics are as their cards say.")
        raise typer.Exit(1 if found else 0)
    if create:
        made = ensure_topics(settings, cards, feeds)
        print(f"{len(made)} topics created{': ' + ', '.join(sorted(made)) if made else ''}")
        return
    wanted = wanted_topics(settings, cards, feeds)
    rows = [(topic.name, topic.partitions, ", ".join(f"{key}={value}" for key, value in topic.config.items())) for topic in wanted]
    Screen().print(table_of(["topic", "partitions", "configuration"], rows))


@topics_app.command()
def rights(
    apply: Annotated[bool, typer.Option("--apply", help="Add those that are missing at the brokers; none is taken away.")] = False,
    subscriber: Annotated[list[str] | None, typer.Option(help="A user who reads verdicts, with groups named USER-...; repeatable.")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="A user with the command in hand; repeatable.")] = None,
    principal: Annotated[str, typer.Option(help="How a name becomes a principal; with certificates, for example User:CN={}.")] = "User:{}",
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print who may do what, from cards and parties, as calls of kafka-acls.sh; with --apply, add it at the brokers.

    Users: tairyu-intake, tairyu-watch, tairyu-history; each party by its name in the parties' file; municipal-events-gateway. Rights on
    the same things that nobody generates any more are listed, and stay: exit code 1.
    """
    from streams.rights import command_lines, rights_of
    from streams.rights_at_brokers import add

    settings, cards, feeds, _ = _contract(data, asks=apply)
    if apply and settings.embedded:
        raise Sorry(f"the embedded broker at {settings.brokers} knows no rights: everybody on this machine may do everything there")
    found = rights_of(settings, cards, feeds, subscribers=subscriber or (), operators=operator or (), principal=principal)
    if not apply:
        lines = [orjson.dumps(right._asdict()).decode() for right in found] if as_json else command_lines(found, settings.brokers)
        print("\n".join(lines))
        return
    added, beyond = add(admin_client(settings), found)
    print(f"{len(added)} rights added, {len(found) - len(added)} were there")
    for line in beyond:
        print(f"beyond these: {line}: take it away with kafka-acls.sh --remove, unless you have given it on purpose")
    raise typer.Exit(1 if beyond else 0)


def _contract(data: Path | None, *, asks: bool) -> tuple[Settings, Mapping[str, Card], Mapping[str, Feed], Parties]:
    """``asks``: brokers are to answer; else what the settings say is enough, whether they run or not."""
    settings, cards = settings_of(data) if asks or data else load_settings(), load_cards()
    policy = load_policies(settings.policy).newest
    parties = load_parties(settings.parties, policy)
    return settings, cards, public_feeds(parties, policy, cards, settings.public_partitions), parties
