"""The Python API: everything the command line can do, as functions, each imported when first used.

>>> import datakit
>>> report = datakit.run("pipelines/quickstart.toml")      # doctest: +SKIP
>>> report.rows_in == report.rows_out + report.rows_rejected      # doctest: +SKIP
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datakit.api.fitting import fit, train_classifier
    from datakit.api.runs import check, explain, plan, preview, report, run
    from datakit.api.trainers import detect, preflight, tokens

__all__ = [
    "check",
    "detect",
    "explain",
    "fit",
    "plan",
    "preflight",
    "preview",
    "report",
    "run",
    "tokens",
    "train_classifier",
]

_ELSEWHERE = {
    "detect": "trainers",
    "fit": "fitting",
    "preflight": "trainers",
    "tokens": "trainers",
    "train_classifier": "fitting",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"datakit.api.{_ELSEWHERE.get(name, 'runs')}"), name)
