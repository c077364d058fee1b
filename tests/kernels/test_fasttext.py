"""fastText's models: compiled and plain judging agree to the last bit, and with the library."""

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datakit.kernels import fasttext as kernels
from datakit.kernels.fasttext import Model, load_model

LID = Path(str(files("datakit"))) / "models" / "lid.176.ftz"
SAMPLES = Path(__file__).parents[2] / "sample_data"

# Every loss, with and without n-grams of characters and words, quantised in every way.
TRAININGS: dict[str, dict[str, Any]] = {
    "softmax": {"loss": "softmax"},
    "softmax-words": {"loss": "softmax", "wordNgrams": 3, "bucket": 1000, "dim": 21},
    "hs-characters": {"loss": "hs", "minn": 1, "maxn": 3, "bucket": 999, "dim": 40},
    "ova-both": {"loss": "ova", "minn": 2, "maxn": 4, "wordNgrams": 2, "bucket": 2048},
    "ns": {"loss": "ns", "wordNgrams": 2, "bucket": 777},
}
QUANTISED: dict[str, dict[str, Any]] = {
    "plain.ftz": {},
    "norms.ftz": {"qnorm": True, "dsub": 3},
    "output.ftz": {"qout": True, "cutoff": 300},
}

words = st.sampled_from(
    ["药", "患者", "fever", "a", "é😀", "</s>", "__label__x", "\t", "\0", "\n", "x" * 50]
)
lines = st.lists(words | st.text(st.characters(exclude_categories=["Cs"]))).map(" ".join)


def train(folder: Path, name: str) -> Path:
    """A model of the name, trained on lines whose label follows from their words."""
    chance = np.random.default_rng(1)
    training, _, quantised = name.partition("/")
    labels = 300 if quantised == "output.ftz" else 12  # fewer than 256 rows are never quantised
    text = folder / "lines.txt"
    kinds = [
        f"__label__{n} " + " ".join(chr(0x4E00 + 7 * n + k) for k in row) + f" w{n}" * (n % 3)
        for n, row in zip(
            chance.integers(0, labels, 2000), chance.integers(0, 20, (2000, 8)), strict=True
        )
    ]
    text.write_text("\n".join(kinds) + "\n")
    settings = {"dim": 16, "epoch": 3, "lr": 0.5, "thread": 1, "verbose": 0, **TRAININGS[training]}
    model = fasttext.train_supervised(str(text), **settings)
    if quantised:
        model.quantize(str(text), thread=1, **QUANTISED[quantised])
    path = folder / (quantised or "model.bin")
    model.save_model(str(path))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    known: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in known:
            known[name] = train(tmp_path_factory.mktemp("model"), name)
        return known[name]

    return get


def pack(texts: list[str]) -> tuple[Any, Any]:
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded) or b"-", dtype=np.uint8)
    return data, np.cumsum([0, *map(len, encoded)], dtype=np.int64)


def judge(
    model: Model, texts: list[str], monkeypatch: pytest.MonkeyPatch, *, compiled: bool
) -> Any:
    """All that a model says of texts: the best labels, and the probability of two labels."""
    monkeypatch.setattr(kernels, "COMPILE_FROM", -1 if compiled else 1 << 40)
    packed = pack(texts)
    chosen = [model.labels[0], model.labels[-1]]
    return [*model.best(*packed), *(model.probability(*packed, label=label) for label in chosen)]


def ask_library(path: Path, texts: list[str]) -> list[tuple[float, str]]:
    predict = fasttext.load_model(str(path)).f.predict
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    return [next(iter(predict(line, 1, 0.0, "strict")), (0.0, "")) for line in lines]


def sample_texts() -> list[str]:
    paths = sorted(p for p in SAMPLES.rglob("*") if p.suffix in (".md", ".txt", ".jsonl", ".csv"))
    text = "\n".join(
        path.read_bytes().decode("gb18030", errors="ignore")[:20_000] for path in paths
    )
    return [text[start : start + 400] for start in range(0, len(text), 400)]


def test_the_labels_of_the_library_on_real_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, model = sample_texts(), load_model(LID)

    labels, scores, *_ = judge(model, texts, monkeypatch, compiled=True)

    theirs = ask_library(LID, texts)
    assert [model.labels[label] for label in labels] == [name[9:] for _, name in theirs]
    assert np.allclose(scores, [score for score, _ in theirs], atol=1e-4)
    assert len(set(labels.tolist())) > 2


@pytest.mark.parametrize(
    "name", [*TRAININGS, *(f"hs-characters/{q}" for q in QUANTISED), "ova-both/norms.ftz"]
)
def test_every_kind_of_model(name: str, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = trained(name)
    texts = [
        "患者 w1 w2",
        "",
        " \t",
        "一 丁 七 w4 w5 w5",
        "w2 __label__3 x",
        "a </s> w1",
        "w1" * 60,
    ]
    texts += [" ".join(chr(0x4E00 + k * n) for k in range(30)) for n in range(40)]
    model = load_model(path)

    fast = judge(model, texts, monkeypatch, compiled=True)
    plain = judge(model, texts, monkeypatch, compiled=False)

    theirs = ask_library(path, texts)
    assert [model.labels[label] for label in fast[0]] == [label[9:] for _, label in theirs]
    assert np.allclose(fast[1], [score for score, _ in theirs], atol=1e-4)
    assert all(map(np.array_equal, fast, plain))


@settings(deadline=None, max_examples=25)
@given(st.lists(lines, max_size=4))
def test_compiled_and_plain_agree_on_any_text(texts: list[str]) -> None:
    model = load_model(LID)
    with pytest.MonkeyPatch.context() as patch:
        fast = judge(model, texts, patch, compiled=True)
        plain = judge(model, texts, patch, compiled=False)

    assert all(map(np.array_equal, fast, plain))


def test_probabilities_of_all_labels_add_up(trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("softmax", "hs-characters"):
        model = load_model(trained(name))
        packed = pack(["一 丁 七 w4 w5 w5"])
        total = sum(model.probability(*packed, label=label)[0] for label in model.labels)

        assert total == pytest.approx(1, abs=1e-3)


def test_a_text_is_judged_alike_in_any_company(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memo of words changes nothing, nor where in the buffer a text lies."""
    texts = sample_texts()[:300]
    model = load_model(LID)

    together = judge(model, texts, monkeypatch, compiled=True)
    alone = [judge(model, [text], monkeypatch, compiled=True) for text in texts]

    for number, values in enumerate(together):
        assert np.array_equal(values, np.concatenate([one[number] for one in alone]))


@pytest.mark.parametrize("size", [0, 3, 8, 60, 200, 5_000, -1])
def test_a_file_cut_short_is_refused(size: int, tmp_path: Path) -> None:
    (tmp_path / "cut.ftz").write_bytes(LID.read_bytes()[:size])

    with pytest.raises(ValueError, match="it"):
        load_model(tmp_path / "cut.ftz")


def test_matrices_that_do_not_fit_are_refused(trained: Any, tmp_path: Path) -> None:
    """More buckets than the matrix has rows, in the arguments at the head of the file."""
    data = bytearray(trained("ns").read_bytes())
    (tmp_path / "odd.bin").write_bytes(data[:40] + (10**6).to_bytes(4, "little") + data[44:])

    with pytest.raises(ValueError, match="do not fit"):
        load_model(tmp_path / "odd.bin")


def test_word_vectors_are_no_classifier(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a b c d\n" * 50)
    settings = {"minCount": 1, "dim": 4, "epoch": 1, "thread": 1, "verbose": 0, "bucket": 10}
    fasttext.train_unsupervised(str(tmp_path / "lines.txt"), **settings).save_model(
        str(tmp_path / "vectors.bin")
    )

    with pytest.raises(ValueError, match="of another kind"):
        load_model(tmp_path / "vectors.bin")
