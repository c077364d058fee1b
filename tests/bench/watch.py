"""Run a command and watch what it takes: CPU, wall time, memory of all its processes, disk."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

KIBIBYTE = 1024 / 1e6  # in MB

# Libraries that count the machine's cores instead of asking which are theirs.
THREADS = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(slots=True)
class Usage:
    """What a command took. Memory in MB at its peak, of the process that was started, of the
    largest below it, and of all at once: the sum of resident sets counts shared pages once for
    each process, the sum of proportional sets (`pss`) once. Disk is the peak of a folder.
    """

    cpu: float = 0.0
    wall: float = 0.0
    main_rss: float = 0.0
    worker_rss: float = 0.0
    sum_rss: float = 0.0
    sum_pss: float = 0.0
    disk: float = 0.0
    error: str = ""

    @property
    def largest_rss(self) -> float:
        return max(self.main_rss, self.worker_rss)


def watch(
    command: Sequence[str], *, cores: int = 0, folder: Path | None = None, every: float = 0.1
) -> Usage:
    """Run a command to its end on `cores` cores (0: all that there are), looking at its processes
    `every` so many seconds. A failure is no exception but the last line of what it said.
    """
    usage, began, looked = Usage(), time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as said:
        with limited_to(cores):
            process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=said, env=environment(cores)
            )
        while True:
            done, status, spent = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            look_at_memory(process.pid, usage)
            if folder and time.perf_counter() - looked > 1:
                looked = time.perf_counter()
                usage.disk = max(usage.disk, folder_size(folder))
                usage.sum_pss = max(usage.sum_pss, proportional(process.pid))
            time.sleep(every)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            usage.error = f"exit {process.returncode}: {lines[-1] if lines else 'no message'}"
    usage.wall = time.perf_counter() - began
    usage.cpu = spent.ru_utime + spent.ru_stime
    return usage


@contextmanager
def limited_to(cores: int) -> Iterator[None]:
    """Have what is started within take the last `cores` of this process's cores; 0: all."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(own)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def environment(cores: int) -> dict[str, str]:
    """The environment, offline, and with the number of threads where cores are limited."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TQDM_DISABLE": "1"}
    return os.environ | offline | (dict.fromkeys(THREADS, str(cores)) if cores else {})


def look_at_memory(pid: int, usage: Usage) -> None:
    """Peaks so far; what the kernel calls VmHWM misses no peak between two looks."""
    total = 0.0
    for process in family(pid):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        sizes = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("Vm"))
        if "VmHWM" not in sizes:
            continue
        peak = int(sizes["VmHWM"].split()[0]) * KIBIBYTE
        total += int(sizes["VmRSS"].split()[0]) * KIBIBYTE
        if process.pid == pid:
            usage.main_rss = max(usage.main_rss, peak)
        else:
            usage.worker_rss = max(usage.worker_rss, peak)
    usage.sum_rss = max(usage.sum_rss, total, usage.main_rss)


def family(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def proportional(pid: int) -> float:
    """Sum of the proportional set sizes in MB now; 0 where the kernel does not tell."""
    total = 0.0
    for process in family(pid):
        try:
            total += getattr(process.memory_full_info(), "pss", 0) / 1e6
        except psutil.Error:
            continue
    return total


def folder_size(folder: Path) -> float:
    """MB of disk that the files below a folder take now."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(parent, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total / 1e6
