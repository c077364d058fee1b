"""LLaMA-Factory's rules, as of version 0.9.5 (`src/llamafactory/data`)."""
