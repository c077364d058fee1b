"""A small pipeline to run, made of the stages in `small_stages`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from small_stages import LineSink, LineSource, NoDigits, Unique, Upper

from datakit.config.model import NamedSource, NamedStage, Output, Pipeline
from datakit.executors.local import Executor, LocalExecutor
from datakit.executors.runner import Run
from datakit.executors.workdir import Workdir
from datakit.plan import compile_plan
from datakit.report.report import Report

Runner = Callable[..., Report]


def texts() -> list[str]:
    words = ["alpha", "beta", "gamma", "bad", "b1", "12345", "unwritable", "数据", ""]
    return [f"{words[n % 9]}{n % 40}" if n % 9 not in (3, 6) else words[n % 9] for n in range(400)]


def make_runner(tmp_path: Path) -> Runner:
    """`run(stages=..., shard_bytes=..., executor=..., out="out")` on two sources of 400 lines."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text("\n".join(texts()) + "\n")

    def run_it(
        stages: Sequence[Any] = (Upper(), Unique(), NoDigits()),
        *,
        shard_bytes: int = 500,
        executor: Executor | None = None,
        out: str = "out",
        only: dict[int, tuple[str, ...]] | None = None,
        **output: Any,
    ) -> Report:
        sources = [LineSource(name=n, path=str(tmp_path / f"{n}.txt")) for n in ("one", "two")]
        named = [
            NamedStage(name=f"test.{n}", index=n, stage=s, only=(only or {}).get(n), line=n)
            for n, s in enumerate(stages, 1)
        ]
        pipeline = Pipeline(
            name="test",
            seed=1,
            file="test.toml",
            sources=tuple(
                NamedSource(name=s.name, stage_name="ingest.line", source=s, line=1)
                for s in sources
            ),
            stages=tuple(named),
            output=Output(path=str(tmp_path / out), format="test.lines", **output),
            sink=LineSink(),
            shard_bytes=shard_bytes,
        )
        work = Workdir(tmp_path / out / "_datakit" / "work")
        return Run(
            compile_plan(pipeline), tmp_path / out, work, executor or LocalExecutor()
        ).execute(0.0)

    return run_it
