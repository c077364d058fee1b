"""The Python API: everything the command line can do, as functions.

>>> import datakit
>>> report = datakit.run("pipelines/quickstart.toml")      # doctest: +SKIP
>>> report.rows_in == report.rows_out + report.rows_rejected      # doctest: +SKIP
True
"""

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
