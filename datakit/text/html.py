"""All text of a piece of HTML, line by line: without judging what is boilerplate."""

import re
from html import unescape
from html.parser import HTMLParser

from datakit.text.html_elements import (
    BLOCKS,
    CELLS,
    CHILDLESS,
    ELEMENTS,
    NEVER_BARE,
    PARAGRAPHS,
    UNSEEN,
)

_SPACES = re.compile(r"[ \t\r\n\f]+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BREAKS = ("", "\t", "\n", "\n\n")


def resolve_entities(text: str) -> str:
    """Put characters for entities that end in a semicolon; `?a=1&copy=2` is no entity."""
    return _ENTITY.sub(lambda match: unescape(match[0]), text)


def text_of(markup: str, *, is_page: bool = False) -> str:
    """The text of a page or a fragment: tags out, entities resolved, a line for each block.

    Paragraphs and headings are parted by a blank line, the cells of a table by a tab; list items
    begin with `- `. White space is folded as a browser does it, but in `<pre>`; in a fragment,
    text outside all blocks keeps its line ends, and blank lines stay everywhere, as fragments
    are often Markdown with a few tags. Scripts, styles and the title are left out. Tags that are
    no elements of HTML (`<篇名>`, `vector<int>`) are text and stay.
    """
    collector = _Collector(is_page=is_page)
    collector.feed(markup.replace("\r\n", "\n"))
    collector.close()
    return "".join(collector.parts).strip()


class _Collector(HTMLParser):
    """Gathers text nodes in `parts`; a break between two is written when the second comes."""

    def __init__(self, *, is_page: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._is_page = is_page
        self._break = ""
        self._bullet = ""
        self._unseen: list[str] = []
        self._blocks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break the line as the element does; keep what is no element of HTML."""
        if tag not in ELEMENTS or (tag in NEVER_BARE and not attrs):
            self.handle_data(self.get_starttag_text() or "")
        elif tag in UNSEEN:
            self._unseen.append(tag)
        elif not self._unseen:
            self._break_for(tag)
            if tag in BLOCKS - CHILDLESS:
                self._blocks.append(tag)
            self._bullet = "- " if tag == "li" else self._bullet

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content, such as `<br/>`."""
        if tag not in ELEMENTS or (tag in NEVER_BARE and not attrs):
            self.handle_data(self.get_starttag_text() or "")
        elif not self._unseen:
            self._break_for(tag)

    def handle_endtag(self, tag: str) -> None:
        """Break the line, or leave an element that is not shown."""
        if tag not in ELEMENTS:
            self.handle_data(f"</{tag}>")
        elif tag in UNSEEN:
            _leave(self._unseen, tag)
        elif not self._unseen and tag not in CELLS:
            self._break_for(tag)
            _leave(self._blocks, tag)

    def handle_data(self, data: str) -> None:
        """Write a text node, its white space folded."""
        if self._unseen:
            return
        if "pre" not in self._blocks and (self._is_page or self._blocks):
            data = _SPACES.sub(" " if self._is_page else _folded, data)
        if not data.strip() and self._break:
            return
        if not self.parts or "\n" in self._break:
            lead = " " if self._is_page else "\n" if "pre" in self._blocks else " \n"
            stripped = data.lstrip(lead)
            if data[: len(data) - len(stripped)].count("\n") > 1:
                self._break = "\n\n"
            data = stripped
        elif self._break or self.parts[-1][-1] in " \t\n":
            data = data.lstrip(" ")
        if data:
            self._write(data)

    def _write(self, data: str) -> None:
        if self._break and self.parts:
            last = self.parts[-1].rstrip(" \n")
            wide = self.parts[-1].count("\n", len(last)) > 1 and "\n" in self._break
            self.parts[-1:] = [last, "\n\n" if wide else self._break]
        self.parts += [self._bullet, data] if self._bullet else [data]
        self._break = self._bullet = ""

    def _break_for(self, tag: str) -> None:
        """Ask for the element's break; the widest of several asked for is written."""
        if tag == "br":
            wanted = "\n\n" if "\n" in self._break else "\n"
        elif tag in PARAGRAPHS:
            wanted = "\n\n"
        else:
            wanted = "\n" if tag in BLOCKS else "\t" if tag in CELLS else ""
        self._break = max(self._break, wanted, key=_BREAKS.index)


def _folded(spaces: re.Match[str]) -> str:
    return "\n\n" if spaces[0].count("\n") > 1 else " "


def _leave(stack: list[str], tag: str) -> None:
    """Close the innermost open `tag`, and what is open inside it."""
    if tag in stack:
        while stack.pop() != tag:
            pass
