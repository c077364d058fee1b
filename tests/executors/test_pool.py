"""The pool: workers leave Ctrl-C to the main process, and do not outlive it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from datakit.errors import InterruptedRunError
from datakit.executors.pool import PoolExecutor
from small_run import make_runner
from small_stages import Upper
run = make_runner(Path({work!r}))
# No main guard on purpose: users' scripts and notebooks have none.
try:
    run([Upper(seconds=1.0)], executor=PoolExecutor(2))
except InterruptedRunError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    folder = str(Path(__file__).parent)
    script.write_text(SCRIPT.format(folder=folder, work=str(tmp_path)))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    done = tmp_path / "out/_datakit/work"
    for _ in range(600):
        if list(done.glob("*/shards/*")):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"no task finished: {process.communicate(timeout=5)}")


def test_ctrl_c_leaves_a_resumable_run_and_says_so(tmp_path: Path) -> None:
    process = start(tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, "")
    assert "run the same command to go on" in out


def test_workers_do_not_outlive_a_killed_main_process(tmp_path: Path) -> None:
    process = start(tmp_path)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()

    assert workers
    _, alive = psutil.wait_procs(workers, timeout=30)
    for worker in alive:
        worker.kill()
    process.communicate()
    assert alive == []
