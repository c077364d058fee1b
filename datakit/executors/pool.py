"""The executor `pool`: spawned worker processes on this machine.

`concurrent.futures` tells when a worker dies (`multiprocessing.Pool` waits for ever); the pool is
then built anew and the unfinished tasks go on. A task that keeps killing its worker is named.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from types import ModuleType
from typing import Any

from datakit.errors import DatakitError, TaskFailedError, describe_os_error
from datakit.executors.local import Done, Work

MOST_DEATHS = 3
"""A task whose worker died this often is not tried again."""

WORKER_ENVIRONMENT = {
    # One process is one core: threads inside a worker would only fight over it.
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error on its way from a worker: exceptions with own constructors do not all pickle."""

    message: str
    exit_code: int
    trace: str = ""


class _RemoteError(DatakitError):
    """A user's mistake that a worker met, with the exit code it had there."""

    def __init__(self, failure: _Failure) -> None:
        super().__init__(failure.message)
        self.exit_code = failure.exit_code


class PoolExecutor:
    """Runs tasks on `workers` processes, which live from the first task to `close`."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def map_tasks(self, work: Work, tasks: Iterable[Any]) -> Iterator[Done]:
        """Results as they come; see `local.Executor`."""
        waiting = list(reversed(list(tasks)))
        deaths: Counter[int] = Counter()
        while waiting:
            running: dict[Future[Any], Any] = {}
            try:
                yield from _drain(self._start(), self._workers, work, waiting, running)
            except BrokenProcessPool:
                self.close()
                _count_deaths(running.values(), deaths)
                waiting += reversed(list(running.values()))
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Stop the workers, whatever they are at."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, initializer=_start_worker)
        return self._pool


def _drain(
    pool: ProcessPoolExecutor,
    slots: int,
    work: Work,
    waiting: list[Any],
    running: dict[Future[Any], Any],
) -> Iterator[Done]:
    """Keep every worker busy with one task, so that what is running is known when one dies."""
    while waiting or running:
        while waiting and len(running) < slots:
            task = waiting.pop()
            with _environment(), _spawning():
                try:
                    running[pool.submit(_call, work, task)] = task
                except BrokenProcessPool:
                    waiting.append(task)
                    raise
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            result = future.result()
            del running[future]
            if isinstance(result, _Failure):
                raise _error(result)
            yield result


def _call(work: Work, task: Any) -> "Done | _Failure":
    try:
        return work(task)
    except DatakitError as error:
        return _Failure(str(error), error.exit_code)
    except OSError as error:
        return _Failure(f"{task.label}: {describe_os_error(error)}", 1)
    except Exception as error:  # noqa: BLE001  a worker hands on whatever happened
        return _Failure(f"{task.label}: {error!r}", 1, traceback.format_exc())


def _error(failure: _Failure) -> DatakitError:
    if not failure.trace:
        return _RemoteError(failure)
    return TaskFailedError(f"{failure.message}\n{failure.trace}")


def _count_deaths(tasks: Iterable[Any], deaths: Counter[int]) -> None:
    for task in tasks:
        deaths[id(task)] += 1
        if deaths[id(task)] >= MOST_DEATHS:
            raise TaskFailedError(
                f"the worker died {MOST_DEATHS} times on: {task.label}. Other tasks' work is kept. "
                "If memory ran out, use fewer --workers or a smaller shard_bytes; "
                "with --executor local the failure can be watched in one process"
            )


def _start_worker() -> None:
    """Leave Ctrl-C to the main process, and do not outlive it."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    os.environ.update(WORKER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _spawning() -> Iterator[None]:
    """Around the start of worker processes.

    Spawned children import the caller's `__main__` again; a script without a main guard would
    start the run anew in each. Nothing of ours lives there, so they see an empty one. They also
    inherit that Ctrl-C is ignored, from their first moment.
    """
    main, in_main_thread = (
        sys.modules["__main__"],
        threading.current_thread() is threading.main_thread(),
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if in_main_thread:
            signal.signal(signal.SIGINT, before)
