"""The tables of `bench_dedup.py`: speed and memory, and what was removed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from dedup_peers import DATAKIT, Contestant
from dedup_quality import NEAR, Truth, judge
from planted import EDITS, Planted
from watch import Usage


@dataclass(slots=True)
class Runs:
    """A contestant's runs on one corpus and on the first MB of it, and what it kept."""

    contestant: Contestant
    big: list[Usage] = field(default_factory=list)
    small: list[Usage] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    error: str = ""


def show_speed(runs: Sequence[Runs], sizes: Sequence[float]) -> None:
    head = "CPU s  wall s  start-up  MB/s a core  without start-up  datakit is  largest MB  sum MB"
    print(f"{'':12}  runs  {head}")
    rates = {one.contestant.name: rates_of(one, sizes) for one in runs if not one.error}
    mine = rates.get(DATAKIT)
    for one in runs:
        name = one.contestant.name
        if one.error:
            print(f"{name:12}  failed: {one.error}")
            continue
        cpu = statistics.median(u.cpu for u in one.big)
        wall = statistics.median(u.wall for u in one.big)
        gross, net, startup = rates[name]
        ratio = f"{mine[0] / gross:5.1f}/{mine[1] / net:5.1f}x" if mine else ""
        print(
            f"{name:12}  {len(one.big):4}  {cpu:5.1f}  {wall:6.1f}  {startup:8.2f}  {gross:11.2f}"
            f"  {net:16.2f}  {ratio:>10}  {max(u.largest_rss for u in one.big):10.0f}"
            f"  {max(u.sum_rss for u in one.big):6.0f}"
        )


def rates_of(one: Runs, sizes: Sequence[float]) -> tuple[float, float, float]:
    """MB per core-second with and without start-up, and its CPU seconds."""
    big, small = (statistics.median(u.cpu for u in usages) for usages in (one.big, one.small))
    net = (sizes[0] - sizes[1]) / max(big - small, 1e-3)
    return sizes[0] / big, net, max(0.0, small - sizes[1] / net)


def show_quality(
    yardstick: str, truth: Truth, records: Sequence[Planted], runs: Sequence[Runs]
) -> None:
    place = {record.id: number for number, record in enumerate(records)}
    planted = [(place[r.id], place[r.origin], r.kind) for r in records if r.kind]
    alike = [p for p in planted if (min(p[:2]), max(p[:2])) in truth.similar]
    found = {kind: [p for p in alike if p[2] == kind] for kind in EDITS}
    print(
        f"yardstick {yardstick}: {len(truth.similar)} pairs; planted copies at the threshold: "
        + ", ".join(f"{kind} {len(some)}" for kind, some in found.items())
    )
    print(
        f"{'':12}  removed  precision  at {truth.threshold - NEAR:.1f}  recall  groups lost", *EDITS
    )
    for one in runs:
        stays = np.array([record.id in one.kept for record in records])
        quality = judge(truth, stays)
        kinds = [
            f"{np.mean([not (stays[a] and stays[b]) for a, b, _ in some]):.3f}" if some else "-"
            for some in found.values()
        ]
        print(
            f"{one.contestant.name:12}  {quality.removed:7}  {quality.precision:9.4f}"
            f"  {quality.near_precision:.4f}  {quality.recall:.4f}  {quality.lost_groups:11}",
            *(f"{value:>{len(kind)}}" for value, kind in zip(kinds, EDITS, strict=True)),
        )
