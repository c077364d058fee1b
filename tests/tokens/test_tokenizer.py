"""Tokenizers from files: the same tokens as their own libraries give."""

import base64
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.errors import DatakitError, MissingExtraError
from datakit.tokens import tokenizer as module
from datakit.tokens.tokenizer import Tokenizer, open_tokenizer

TEXTS = ["", "患者每日三次", "the dose of aspirin", "<|im_end|> and </s>", "a\n\n b\t", "𠮷e\u0301"]


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of as many tokens as cl100k has: all bytes, all pairs, some of three."""
    tokens = [bytes([a]) for a in range(256)]
    tokens += [bytes([a, b]) for a in range(256) for b in range(256)]
    tokens += [bytes([a, b, b]) for a in range(256) for b in range(256)][: 100_256 - len(tokens)]
    lines = (base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens))
    path = tmp_path_factory.mktemp("ranks") / "some.tiktoken"
    path.write_bytes(b"".join(lines))
    return path


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import sentencepiece

    path = tmp_path_factory.mktemp("pieces") / "some.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=io.BytesIO(
                "\n".join(["患者每日三次", "the dose of it"] * 9).encode()
            ),
            model_writer=file,
            vocab_size=400,
            hard_vocab_limit=False,
            byte_fallback=True,
            minloglevel=9,
        )
    return path


def encode_each(tokenizer: Tokenizer, texts: list[str], *, special: bool = True) -> list[list[int]]:
    found = tokenizer.encode(texts, special=special)
    bounds = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return [found.ids[start:stop].tolist() for start, stop in bounds]


@given(st.lists(st.text(max_size=30), max_size=5))
@settings(max_examples=30)
def test_hugging_face_tokens_are_the_library_s(tiny: Path, texts: list[str]) -> None:
    from tokenizers import Tokenizer as Library

    library = Library.from_file(str(tiny / "tokenizer.json"))
    texts = [*texts, *TEXTS]

    found = encode_each(open_tokenizer(tiny).tokenizer, texts)

    assert found == [library.encode(text, add_special_tokens=False).ids for text in texts]


def test_tiktoken_tokens_are_the_library_s(ranks: Path) -> None:
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken_ext.openai_public import ENDOFTEXT

    from datakit.tokens.tiktoken_file import CL100K

    library = tiktoken.Encoding(
        "check",
        pat_str=CL100K,
        mergeable_ranks=load_tiktoken_bpe(str(ranks)),
        special_tokens={ENDOFTEXT: 100_257},
    )
    texts = [*TEXTS, "<|endoftext|>x", "I'll pay 12345, 'tis  done "]
    tokenizer = open_tokenizer(ranks).tokenizer

    live, plain = (encode_each(tokenizer, texts, special=special) for special in (True, False))

    assert live == [library.encode(text, allowed_special="all") for text in texts]
    assert plain == [library.encode_ordinary(text) for text in texts]
    assert (tokenizer.vocabulary, tokenizer.token_id("<|endoftext|>")) == (100_277, 100_257)


def test_sentencepiece_tokens_are_the_library_s(pieces: Path) -> None:
    import sentencepiece

    library = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    tokenizer = open_tokenizer(pieces).tokenizer

    assert encode_each(tokenizer, TEXTS) == [library.encode(text) for text in TEXTS]
    assert tokenizer.token_id("</s>") == library.eos_id()
    assert tokenizer.token_id("no such piece") is None


def test_special_tokens_in_a_text_can_be_read_as_characters(tiny: Path) -> None:
    tokenizer = open_tokenizer(tiny).tokenizer

    assert encode_each(tokenizer, ["<|im_end|>"]) == [[tokenizer.token_id("<|im_end|>")]]
    assert len(encode_each(tokenizer, ["<|im_end|>"], special=False)[0]) > 5
    assert encode_each(tokenizer, ["<|im_end|>"]) == [[tokenizer.token_id("<|im_end|>")]]


def test_special_tokens_can_be_added(tiny: Path, ranks: Path) -> None:
    for path in (tiny, ranks):
        tokenizer = open_tokenizer(path).tokenizer
        extended = tokenizer.extended(["<|eot_id|>"])

        assert encode_each(extended, ["<|eot_id|>"]) == [[extended.vocabulary - 1]]
        assert extended.vocabulary == tokenizer.vocabulary + 1
        assert len(encode_each(tokenizer, ["<|eot_id|>"])[0]) > 1


def test_a_sentencepiece_model_cannot_be_extended(pieces: Path) -> None:
    with pytest.raises(DatakitError, match=r"cannot be given the tokens <\|eot_id\|>"):
        open_tokenizer(pieces).tokenizer.extended(["<|eot_id|>"])


def test_what_lies_beside_a_tokenizer_is_read_with_it(tiny: Path) -> None:
    opened = open_tokenizer(tiny)

    assert opened.special_tokens["eos_token"] == "</s>"
    assert opened.special_tokens["unk_token"] == "<unk>"
    assert opened.chat_template is None


def test_a_template_file_counts_before_the_configuration(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((tiny / "tokenizer.json").read_bytes())
    named = [{"name": "tool_use", "template": "b"}, {"name": "default", "template": "a"}]
    (tmp_path / "tokenizer_config.json").write_text(
        f'{{"chat_template": {named!r}}}'.replace("'", '"')
    )
    first = open_tokenizer(tmp_path).chat_template
    (tmp_path / "chat_template.jinja").write_text("c")
    module._open.cache_clear()

    assert (first, open_tokenizer(tmp_path).chat_template) == ("a", "c")


def test_a_tokenizer_in_a_package_is_found_by_its_address(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "t.json").write_bytes((tiny / "tokenizer.json").read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path))

    # As a setting gets it: a path collapses the slashes, and may stand below a folder.
    for address in ("package://some_package/t.json", "/pipelines/package:/some_package/t.json"):
        assert open_tokenizer(Path(address)).tokenizer.token_id("</s>") is not None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", r"no tokenizer .*nothing'"),
        ("package://no_such_package/x", "no installed package 'no_such_package'"),
        (".", r"has none of: tokenizer\.json"),
        ("text.model", "is no tokenizer"),
        ("broken.json", "is no tokenizers file"),
        ("short.tiktoken", r"has 1 tokens.*known by their size: qwen \(151,643\)"),
        ("bad.tiktoken", r"bad\.tiktoken:2 is no line"),
    ],
)
def test_what_is_no_tokenizer_is_said(
    path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text('{"model": 5}')
    Path("text.model").write_text("some text")
    Path("short.tiktoken").write_text("QQ== 0\n")
    Path("bad.tiktoken").write_text("QQ== 0\nQQ==\n")
    if path == ".":
        (tmp_path / "empty").mkdir()
        path = "empty"

    with pytest.raises(DatakitError, match=message):
        open_tokenizer(Path(path))


def test_a_missing_library_is_named_with_what_to_install(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module._open.cache_clear()

    with pytest.raises(MissingExtraError, match=r"'tokenizers'.*pip install 'datakit\[tokens\]'"):
        open_tokenizer(tiny)
