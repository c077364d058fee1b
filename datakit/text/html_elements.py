"""The elements of HTML (WHATWG, and the obsolete ones still met) by what they do to the text."""

UNSEEN = frozenset(
    ["iframe", "math", "noscript", "script", "style", "svg", "template", "title"]
)  # fmt: skip
"""What is in them is not text of the page."""

PARAGRAPHS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "details", "dl", "fieldset", "figure",
     "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "main", "nav",
     "ol", "p", "pre", "section", "table", "ul"]
)  # fmt: skip
"""A blank line before and after."""

BLOCKS = PARAGRAPHS | frozenset(
    ["caption", "center", "dd", "div", "dt", "figcaption", "head", "legend", "li", "option",
     "select", "summary", "tbody", "textarea", "tfoot", "thead", "tr"]
)  # fmt: skip
"""A line of their own."""

CELLS = frozenset(["td", "th"])

NEVER_BARE = frozenset(
    ["area", "base", "data", "embed", "input", "link", "map", "meta", "object", "output", "param",
     "source", "time"]
)  # fmt: skip
"""Without attributes these mean nothing in HTML, but much in prose about code: `<map>`."""

CHILDLESS = frozenset(["br", "hr"])

ELEMENTS = UNSEEN | BLOCKS | CELLS | NEVER_BARE | frozenset(
    ["a", "abbr", "acronym", "audio", "b", "bdi", "bdo", "big", "br", "button", "canvas", "cite",
     "code", "col", "colgroup", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "label",
     "mark", "nobr", "picture", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
     "strong", "sub", "sup", "tt", "u", "var", "video", "wbr"]
)  # fmt: skip
"""All that is taken for a tag."""
