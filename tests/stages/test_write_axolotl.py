"""axolotl: flags, and preferences rendered before."""

from trainer_cases import shaped, sink_of
from write_cases import ONE_TURN, row

from datakit.stage import WrittenFile


def test_axolotl_preferences_are_rendered_here() -> None:
    (pair,) = shaped(
        "axolotl",
        [row(ONE_TURN, rejected=[{"role": "assistant", "content": "a"}])],
        layout="preference",
    )

    assert pair["prompt"].endswith(
        "<|im_start|>user\n头痛怎么办？<|im_end|>\n<|im_start|>assistant\n"
    )
    assert pair["rejected"] == "a<|im_end|>"


def test_axolotl_renders_llama_3() -> None:
    (judged,) = shaped("axolotl", [row(ONE_TURN, label=True)], layout="kto", template="llama3")

    assert judged["prompt"].startswith("<|begin_of_text|><|start_header_id|>user<|end_header_id|>")
    assert judged["completion"].endswith("<|eot_id|>")


def test_axolotl_is_told_to_keep_the_columns_of_kto() -> None:
    files = [WrittenFile("train/train-00000-of-00001.parquet", "train", 1, 1, "")]
    kto, dpo = (
        sink_of("axolotl", layout=layout).companions("m", files)["axolotl.yaml"]
        for layout in ("kto", "preference")
    )

    assert 'rl: "kto"\nremove_unused_columns: false\n' in kto
    assert "remove_unused_columns" not in dpo
