"""clean.html: pages with boilerplate, and what must hold of any markup."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import SettingsError
from datakit.stages.clean.html import HtmlCleaner
from datakit.testing import run_stage
from datakit.text.html import resolve_entities, text_of

PARAGRAPHS = [
    "麻黄汤出自《伤寒论》，由麻黄、桂枝、杏仁、甘草四味药组成，主治外感风寒表实证。",
    "方中麻黄为君，发汗解表，宣肺平喘；桂枝为臣，解肌发表，温通经脉，助麻黄发汗。",
    "杏仁降利肺气，与麻黄相伍，一宣一降，以恢复肺气之宣降；炙甘草调和诸药，缓和峻烈。",
    "使用本方时应当注意，体虚外感、自汗者忌用，中病即止，不可过服，以免伤及正气。",
]
PAGE = f"""<!DOCTYPE html>
<html lang="zh"><head><title>麻黄汤</title><style>p {{ color: red }}</style></head><body>
<nav><ul><li><a href="/">首页</a></li><li><a href="/login">登录</a></li></ul></nav>
<div class="cookie-banner">本站使用 Cookie，请点击同意。</div>
<article><h1>麻黄汤的组成与应用</h1>
{"".join(f"<p>{text}</p>" for text in PARAGRAPHS)}
<table><tr><td>麻黄</td><td>三两</td></tr><tr><td>桂枝</td><td>二两</td></tr></table>
</article>
<footer>版权所有 © 某网站 <a href="/about">关于我们</a></footer>
<script>track()</script></body></html>"""


def clean(text: str, **chosen: object) -> str:
    return str(run_stage(HtmlCleaner(**chosen), [{"text": text}]).rows[0]["text"])


@pytest.mark.parametrize("favour", ["balanced", "precision", "recall"])
def test_the_main_text_comes_without_boilerplate(favour: str) -> None:
    text = clean(PAGE, favour=favour)

    assert all(paragraph in text for paragraph in PARAGRAPHS)
    assert not any(word in text for word in ("登录", "Cookie", "版权", "track", "<", "color"))


def test_all_text_comes_with_boilerplate_but_without_scripts() -> None:
    text = clean(PAGE, mode="all")

    assert "- 首页\n- 登录" in text
    assert "麻黄\t三两\n桂枝\t二两" in text
    assert "版权所有 © 某网站 关于我们" in text
    assert not any(word in text for word in ("track", "<", "color"))


def test_tables_belong_to_the_main_text_unless_left_out() -> None:
    assert "三两" in clean(PAGE)
    assert "三两" not in clean(PAGE, include_tables=False)


def test_links_are_shown_when_asked_for() -> None:
    page = PAGE.replace("四味药组成", '<a href="https://example.org/x">四味药</a>组成')

    assert "四味药组成" in clean(page)
    assert "[四味药](https://example.org/x)组成" in clean(page, include_links=True)


def test_a_page_is_known_behind_a_mark_a_declaration_or_a_comment() -> None:
    for start in ("\ufeff", '<?xml version="1.0" encoding="utf-8"?>\n', "<!-- saved -->\n"):
        assert "登录" not in clean(start + PAGE)


def test_a_page_shown_inside_markdown_does_not_make_it_a_page() -> None:
    text = clean("---\ntitle: x\n---\nThe tag <body> holds <b>all</b> text.")

    assert text.startswith("---\ntitle: x\n---\nThe tag")


def test_deep_nesting_is_no_trouble() -> None:
    assert clean("<html><body>" + "<div>" * 5_000 + "深") == "深"


@settings(deadline=None, max_examples=80)
@given(st.text(st.sampled_from("a中<>/&;b p\n=\"'!-#1lidvt")))
def test_no_markup_breaks_it_and_what_is_no_tag_is_kept(text: str) -> None:
    assert isinstance(text_of(text), str)
    assert text_of(html.escape(text)).split() == text.split()


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_escaped_entities_are_resolved_once(text: str) -> None:
    plain = text.replace("\r", "")

    assert resolve_entities(html.escape(plain)) == plain


@pytest.mark.parametrize(("key", "value"), [("mode", "body"), ("favour", "speed")])
def test_wrong_settings_are_refused(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=key):
        HtmlCleaner(**{key: value})
