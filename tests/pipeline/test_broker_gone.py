"""The broker goes: every stage says so in the fields of its own log, whichever of its clients has noticed."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.pipeline.works import Works, own_broker

PATIENCE_S = 100.0
STAGES = {"history": '"event": "reading"', "watch": '"event": "ledger loaded"', "intake": '"event": "reading"'}
"""And what each says once it is under way."""


@pytest.mark.kafka
def test_stages_whose_broker_goes_say_it_in_the_fields_of_their_own_log_and_not_over_and_over(kafka_jars: Path, tmp_path: Path) -> None:
    with own_broker("kafka", tmp_path, kafka_jars) as broker:
        works = Works(broker, tmp_path / "works")
        try:
            for stage, words in STAGES.items():
                works.run(stage)
                works.wait(lambda words=words, stage=stage: words in works.programs[stage].last_words(), PATIENCE_S)
            works.wait(lambda: works.applied(), PATIENCE_S)
            for node in broker.programs:
                assert node.stop()
            # The watch takes a minute to give up, and less where it was about to commit; by then it has tried for as long as the others
            assert all(works.programs[stage].wait(PATIENCE_S) for stage in ("history", "intake"))
            watch = works.programs["watch"]
            assert not watch.stop(within_s=0.1) or "a batch could not be committed" in watch.last_words()
        finally:
            works.close()

    for stage, program in works.programs.items():
        lines = [json.loads(line) for line in program.log.read_text(encoding="utf-8").splitlines()]
        assert [line for line in lines if not {"event", "level", "timestamp"} <= line.keys()] == []
        heard = Counter(line["text"].partition(" (after ")[0] for line in lines if line["event"].endswith(" says"))
        assert max(heard.values(), default=0) <= 2  # a client tries many times a second
        assert stage == "intake" or any("Connect" in text for text in heard)  # intake waits in its commit, which tells
