"""What a run would be: sources, segments and shards, and an estimate from a sample."""

from dataclasses import dataclass

from datakit.executors.layout import first_cut
from datakit.executors.preview import preview
from datakit.executors.runner import count_partitions
from datakit.plan import Plan

SAMPLE_RECORDS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanSummary:
    """The shape of a run, and what the first records of each source say of it."""

    name: str
    sources: list[tuple[str, int, int]]
    """Name, files, bytes as they lie."""
    segments: list[str]
    shards: int
    partitions: int
    sampled: int
    kept: float
    """Share of the sample that would be written (barriers see the sample only)."""
    bytes_per_second: float
    """Text bytes of the sample per CPU second of one core, all stages."""

    @property
    def input_bytes(self) -> int:
        """Bytes of all input files."""
        return sum(size for _, _, size in self.sources)

    @property
    def work_bytes(self) -> float:
        """Disk for the work directory: each segment leaves the records that it hands on, and what
        barriers note of them. Measured: 9 times the input for seven segments, 6 for four.
        """
        return self.input_bytes * (1 + 1.3 * len(self.segments))

    def render(self) -> str:
        """As text for a terminal."""
        lines = [f"{self.name}: {self.input_bytes / 1e6:,.1f} MB in {self.shards} shards"]
        lines += [f"  source {n}: {f} files, {b / 1e6:,.1f} MB" for n, f, b in self.sources]
        count = len(self.segments)
        lines += [f"  segment {n}/{count}: {text}" for n, text in enumerate(self.segments, 1)]
        lines.append(f"  {self.partitions} partitions for stages that see the whole corpus")
        lines.append(
            f"from the first {self.sampled:,} records: {self.kept:.0%} would be written, "
            f"{self.bytes_per_second / 1e6:.1f} MB of text per second and core (a small sample, "
            "start-up included: large runs are faster); "
            f"about {self.work_bytes / 1e6:,.0f} MB of disk for the work directory"
        )
        return "\n".join(lines)


def summarise(plan: Plan) -> PlanSummary:
    """Cut the input as a run would, and measure the chain on a sample."""
    shown = preview(plan, SAMPLE_RECORDS)
    seconds = sum(stage.seconds for stage in shown.stages)
    read, written = shown.stages[0], shown.stages[-1]
    sources = []
    for source in plan.sources:
        files = source.inputs()
        sources.append((source.name, len(files), sum(file.size for file in files)))
    return PlanSummary(
        name=plan.pipeline.name,
        sources=sources,
        segments=[segment.label for segment in plan.segments],
        shards=len(first_cut(plan)),
        partitions=count_partitions(sum(size for _, _, size in sources)),
        sampled=read.rows_in,
        kept=written.rows_out / max(read.rows_in, 1),
        bytes_per_second=shown.bytes_read / max(seconds, 1e-9),
    )
