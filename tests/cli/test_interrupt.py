"""Ctrl-C: the command ends at once, says little, and leaves nothing half done."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

LONG = {
    "simulate": ["--dim", "2000", "--steps", "200000", "--json", "out.json"],
    "falsify": ["risk >= floor", "--max-examples", "100000", "--json", "out.json"],
    "prove": ["--json", "out.json"],
    "report": ["page.html"],
}
#: Seconds after which a command has begun and is not through: all proofs are replayed in about 6.
BEGUN = {"prove": 3.0}


@pytest.mark.slow
@pytest.mark.parametrize("command", LONG)
def test_a_command_that_is_interrupted(command, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "qtheory", command, *LONG[command]],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            time.sleep(BEGUN.get(command, 8.0))
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
        finally:
            # what is still there, its own processes too, shall not outlive the test
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_is_left_as_it_was(tmp_path):
    from qtheory.cli.common import require_writable

    kept, new = tmp_path / "kept.json", tmp_path / "new.json"
    kept.write_text("before")
    require_writable(str(kept))
    require_writable(str(new))
    assert kept.read_text() == "before"
    assert not new.exists()
