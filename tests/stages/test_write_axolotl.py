"""axolotl: flags, and preferences rendered before."""

from trainer_cases import shaped
from write_cases import ONE_TURN, row


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
