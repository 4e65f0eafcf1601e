"""``tairyu topics``: the topics of a set-up, as their cards and the parties say."""

from typing import Annotated

import typer

from schemas.cards import load_cards
from streams.cli import app
from streams.cli.answers import Screen
from streams.cli.history import table_of
from streams.cli.running import topics_of
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.settings import load_settings
from streams.topics import admin_client, ensure_topics, wanted_topics


@app.command()
def topics(
    create: Annotated[bool, typer.Option("--create", help="Create those that are missing; what exists stays as it is.")] = False,
) -> None:
    """List the topics that a set-up needs; with --create, make them on the brokers of the settings (TAIRYU_BROKERS)."""
    settings, cards = load_settings(), load_cards()
    policy = load_policies(settings.policy).newest
    feeds = public_feeds(load_parties(settings.parties, policy), policy, cards, settings.public_partitions)
    if create:
        topics_of(admin_client(settings, quiet=True), settings.brokers)  # said at once, if nobody answers there
        made = ensure_topics(settings, cards, feeds)
        print(f"{len(made)} topics created{': ' + ', '.join(sorted(made)) if made else ''}")
        return
    wanted = wanted_topics(settings, cards, feeds)
    rows = [(topic.name, topic.partitions, ", ".join(f"{key}={value}" for key, value in topic.config.items())) for topic in wanted]
    Screen().print(table_of(["topic", "partitions", "configuration"], rows))
