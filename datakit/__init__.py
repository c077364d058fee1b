"""datakit: training data for domain LLMs from one TOML file."""

__version__ = "0.1.0"
