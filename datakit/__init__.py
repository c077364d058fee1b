"""datakit: training data for domain LLMs from one TOML file, accounted for to the last row.

The main functions of `datakit.api` are here too, imported when first used: `datakit --help` and
`import datakit` load nothing heavy.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datakit.api import check, explain, preview, run

__version__ = "0.1.0"
__all__ = ["__version__", "check", "explain", "preview", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'datakit' has no attribute {name!r}")
    from datakit import api

    return getattr(api, name)
