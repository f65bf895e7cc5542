"""Plays the transcripts. `REWRITE=1 python -m pytest tests/agreement/test_transcripts.py` writes what is said now into
them; the difference is then read by a person.

A transcript begins with what it shows, as comments. Then come blocks, parted by empty lines: commands, `----`, and what
the nodes did.
"""

import os
from pathlib import Path

import pytest

from tests.agreement.stage import COMMANDS, Stage

TRANSCRIPTS = sorted(Path(__file__).parent.joinpath("transcripts").glob("*.txt"))
LINE = "----"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_nodes_do_what_the_transcript_says(path: Path) -> None:
    """Each block's commands make the nodes do exactly what stands below its line."""
    written = path.read_text("utf-8")
    played = _play(written)
    if os.environ.get("REWRITE"):
        path.write_text(played, "utf-8")
        return
    assert played == written


def test_every_command_is_used_by_a_transcript() -> None:
    """No command stays that nobody plays."""
    text = "".join(path.read_text("utf-8") for path in TRANSCRIPTS)
    assert [word for word in COMMANDS if f"\n{word} " not in text and f"\n{word}\n" not in text] == []


def _play(written: str) -> str:
    stage, blocks = Stage(), []
    for block in written.rstrip("\n").split("\n\n"):
        lines = block.split("\n")
        commands = lines[: lines.index(LINE)] if LINE in lines else lines
        for command in commands:
            if not command.startswith("#"):
                stage.play(command)
        said = [LINE, *stage.said] if stage.said else []
        blocks.append("\n".join([*commands, *said]))
        stage.said.clear()
    return "\n\n".join(blocks) + "\n"
