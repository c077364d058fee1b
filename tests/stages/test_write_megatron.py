"""write.megatron: read back by a reader written from the format's description."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

import datakit
from datakit.errors import SettingsError
from datakit.report.report import Report
from datakit.stages.write.megatron import MegatronSink
from datakit.testing import make_batch
from datakit.tokens.tokenizer import open_tokenizer

TYPES = {4: np.int32, 8: np.uint16}
TEXTS = ["患者每日三次", "the dose <|im_end|> of", "😀" * 300, "a"]


def read_pair(prefix: Path) -> tuple[list[list[int]], type]:
    """Documents of a `.bin` and `.idx`, every field of the index checked."""
    index = prefix.with_suffix(".idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack("<QBQQ", index[9:34])
    assert (version, documents) == (1, sequences + 1)
    kind = TYPES[code]
    lengths = np.frombuffer(index, "<i4", sequences, 34)
    places = np.frombuffer(index, "<i8", sequences, 34 + 4 * sequences)
    starts = np.frombuffer(index, "<i8", documents, 34 + 12 * sequences)
    assert len(index) == 34 + 12 * sequences + 8 * documents
    assert starts.tolist() == list(range(documents))
    body = prefix.with_suffix(".bin").read_bytes()
    assert len(body) == int(lengths.sum()) * kind().itemsize
    read = [np.frombuffer(body, kind, n, at) for n, at in zip(lengths, places, strict=True)]
    return [ids.tolist() for ids in read], kind


def expected(tiny: Path, texts: list[str]) -> list[list[int]]:
    tokenizer = open_tokenizer(tiny).tokenizer
    end = tokenizer.token_id("</s>")
    each = [tokenizer.encode([text], special=False).ids.tolist() for text in texts]
    return [[*ids, end] for ids in each]


def run(tiny: Path, folder: Path, *, more: str = "") -> Report:
    rows = [{"text": text} for text in TEXTS * 20]
    data = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "a.jsonl").write_text(data)
    (folder / "p.toml").write_text(
        f'[[source]]\nname = "s"\npath = "{folder}/a.jsonl"\n'
        f'[output]\npath = "{folder}/out"\nformat = "megatron"\ntokenizer = "{tiny}"\n{more}\n'
    )
    return datakit.run(folder / "p.toml")


def test_documents_read_back_with_their_end(tiny: Path, tmp_path: Path) -> None:
    report = run(tiny, tmp_path)

    found, kind = read_pair(tmp_path / "out" / "train" / "train-00000-of-00001")
    assert found == expected(tiny, TEXTS * 20)
    assert kind is np.uint16
    assert [(Path(f.path).suffix, f.rows) for f in report.files] == [(".bin", 80), (".idx", 0)]


def test_a_file_is_cut_into_pairs_with_one_lineage_each(tiny: Path, tmp_path: Path) -> None:
    run(tiny, tmp_path, more='max_file_bytes = "20 KiB"')

    folder = tmp_path / "out" / "train"
    names = sorted({path.stem for path in folder.iterdir()})
    assert len(names) > 2
    assert sorted(p.stem for p in (tmp_path / "out/_datakit/lineage").iterdir()) == names
    found = [ids for name in names for ids in read_pair(folder / name)[0]]
    assert found == expected(tiny, TEXTS * 20)


def test_a_pair_that_somebody_changed_is_written_again(tiny: Path, tmp_path: Path) -> None:
    run(tiny, tmp_path)
    index = tmp_path / "out" / "train" / "train-00000-of-00001.idx"
    good = index.read_bytes()
    index.write_bytes(b"spoilt")

    run(tiny, tmp_path)

    assert index.read_bytes() == good


@pytest.mark.parametrize(("vocabulary", "kind"), [(65_499, np.uint16), (65_500, np.int32)])
def test_the_vocabulary_sets_the_width(
    tiny: Path, tmp_path: Path, vocabulary: int, kind: type
) -> None:
    wide = json.loads((tiny / "tokenizer.json").read_text())
    filler = range(len(wide["model"]["vocab"]), vocabulary)
    wide["model"]["vocab"] |= {f"filler {n}": n for n in filler}
    (tmp_path / "tokenizer.json").write_text(json.dumps(wide))
    (tmp_path / "tokenizer_config.json").write_bytes((tiny / "tokenizer_config.json").read_bytes())
    sink = MegatronSink(tokenizer=tmp_path)
    table = sink.encode(make_batch([{"text": text} for text in TEXTS]))

    sink.write(iter([table.drop_columns("_size")]), tmp_path / "x.bin")

    found, read = read_pair(tmp_path / "x")
    assert (found, read) == (expected(tmp_path, TEXTS), kind)
    assert table["_size"].to_pylist() == [len(ids) * kind().itemsize for ids in found]


def test_special_tokens_in_a_text_can_be_live(tiny: Path) -> None:
    sink = MegatronSink(tokenizer=tiny, live_special_tokens=True, eod="<|im_end|>")

    (tokens,) = sink.encode(make_batch([{"text": "<|im_end|>"}]))["tokens"].to_pylist()

    end = open_tokenizer(tiny).tokenizer.token_id("<|im_end|>")
    assert np.frombuffer(tokens, np.uint16).tolist() == [end, end]


def test_records_without_text_are_refused(tiny: Path) -> None:
    batch = make_batch([{"text": None}, {"text": " \n"}, {"text": "a"}])

    found = MegatronSink(tokenizer=tiny).reject(batch)

    assert found["reason"].to_list() == ["no_text", "empty_text", None]


def test_an_end_that_the_tokenizer_lacks_is_an_error(tiny: Path) -> None:
    with pytest.raises(SettingsError, match=r"none of: <\|eod\|>"):
        MegatronSink(tokenizer=tiny, eod="<|eod|>")
