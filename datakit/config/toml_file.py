"""The text of a pipeline file and the TOML in it; what is wrong with either, in plain words."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any

from datakit.config.locate import broken_line
from datakit.errors import PipelineFileError, Problem, UsageError

_START = "begin with a [[source]], some [[stage]] and an [output]; `datakit new` writes an example"


def read_text(path: Path) -> str:
    """The text of a pipeline file; a byte order mark is passed over.

    Raises:
        UsageError: the file is missing, is a folder or cannot be opened.
        PipelineFileError: it is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file{_near(path)}") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name a pipeline file (.toml) in it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x}"
        hint = "save the file as UTF-8; the encoding of data is a source's `encoding`"
        raise PipelineFileError(str(path), [Problem(line, message, hint)]) from None


def parse(text: str, file: str) -> dict[str, Any]:
    """The TOML document.

    Raises:
        PipelineFileError: the text is empty or is not TOML.
    """
    if not text.strip():
        raise PipelineFileError(file, [Problem(1, "the file is empty", _START)])
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PipelineFileError(file, [_syntax_problem(text, str(error))]) from None
    except RecursionError:
        raise PipelineFileError(file, [Problem(1, "brackets are nested too deep")]) from None


def _syntax_problem(text: str, error: str) -> Problem:
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", error, re.S)
    what, line, column = match.groups() if match else (error, None, None)
    seen = int(line) if line else text.rstrip().count("\n") + 1
    began = broken_line(text)
    if began is not None and (began < seen or line is None):
        until = f"by line {seen}" if line else "by the end of the file"
        message = f"not TOML: what begins here is not finished {until}"
        return Problem(began, message, "a bracket or quote is missing")
    where = f", column {column}" if column else ""
    shown = text.split("\n")[seen - 1].strip()
    return Problem(seen, f"not TOML{where}: {_plainly(what)}", shown)


def _plainly(what: str) -> str:
    return {
        "Cannot overwrite a value": "this key stands here a second time",
        "Invalid value": "this is no value; text needs quotes",
        "Invalid statement": "expected a key or a [table]",
    }.get(what, f"{what[:1].lower()}{what[1:]}")


def _near(path: Path) -> str:
    folder = path.parent
    names = sorted(str(each) for each in folder.glob("*.toml")) if folder.is_dir() else []
    near = difflib.get_close_matches(str(path), names, n=1)
    return f"; did you mean {near[0]}?" if near else ""
