"""`{% generation %}` in a chat template: the part of the rendering that a model is to learn."""

from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

MARKS = ("\ufdd0", "\ufdd1")
"""Stand around the marked parts of a rendering. Unicode keeps these two for such inner use; they
are no characters and in no text (`ChatTemplate.render` sees to it)."""


class Generation(Extension):
    """The tag as Hugging Face's `transformers` introduced it for the masks of answers."""

    tags = {"generation"}  # noqa: RUF012  # Jinja's way of naming an extension's tags

    def parse(self, parser: Parser) -> nodes.Node:
        """The tag and what stands up to `{% endgeneration %}`."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        marked = nodes.CallBlock(self.call_method("_mark"), [], [], body)
        return marked.set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{MARKS[0]}{caller()}{MARKS[1]}"
