"""Lists of words, domains or addresses in text files: one entry a line."""

from pathlib import Path


def read_list(path: Path) -> list[str]:
    """The entries of a list, in order, each once: lines that are neither blank nor begin with `#`.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: the file is not UTF-8.
    """
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
