"""Questions and answers of reading-comprehension tasks, in Chinese and English.

`{a}` and `{b}` are the two parts that a pattern found, `{s}` the whole sentence.
"""

Pairs = tuple[tuple[str, str], ...]

RELATIONS = {
    "zh": {"consequence": "因果", "contrast": "转折", "addition": "补充"},
    "en": {"consequence": "Consequence", "contrast": "Contrast", "addition": "Addition"},
}

TEMPLATES: dict[str, dict[str, Pairs]] = {
    "zh": {
        "relation": (
            (
                "前句：{a}\n后句：{b}\n后句与前句是什么关系？请从“因果”“转折”“补充”中选择。",
                "{r}",
            ),
            (
                (
                    "请判断下面两句话的关系：因果（后一句是前一句的结果或推论）、转折或补充。\n\n"
                    "第一句：{a}\n第二句：{b}"
                ),
                "{r}",
            ),
            ("“{a}”\n“{b}”\n两句之间是因果、转折还是补充关系？", "两句是{r}关系。"),
        ),
        "cause": (
            ("下面所说的结果或结论，原因是什么？\n\n{b}", "{a}"),
            ("{a}\n\n由此会有什么结果，或得出什么结论？", "{b}"),
            ("请根据原因推断结果。\n\n原因：{a}", "结果：{b}"),
        ),
        "paraphrase": (
            ("请换一种说法表达下面这句话的意思。\n\n{a}", "{b}"),
            ("下面这句话可以怎样更明白地解释？\n\n{a}", "{b}"),
        ),
        "definition": (
            ("什么是{a}？", "{s}"),
            ("请解释“{a}”的含义。", "{s}"),
            ("下面的描述说的是哪个概念？\n\n{b}", "{a}"),
        ),
        "word_to_text": (
            ("请用下列词语写一句话：{a}。", "{s}"),
            ("给出一句话，其中要出现这些术语：{a}。", "{s}"),
        ),
        "completion": (
            ("请续写下面的内容。\n\n{a}", "{b}"),
            ("下面是一段文字的开头，请写出后文。\n\n{a}", "{b}"),
        ),
        "title": (
            ("请为下面的文章拟一个标题。\n\n{b}", "{a}"),
            ("用一个标题概括下文的主要内容。\n\n{b}", "{a}"),
            ("请以“{a}”为题写一段文字。", "{b}"),
        ),
        "title_behind": (
            ("请为上文拟一个标题。", "{a}"),
            ("上文主要讲什么？请用一个标题概括。", "{a}"),
        ),
    },
    "en": {
        "relation": (
            (
                (
                    "Sentence 1: {a}\nSentence 2: {b}\nHow does the second sentence relate to the "
                    "first: consequence, contrast or addition?"
                ),
                "{r}",
            ),
            (
                (
                    "Is the second of these sentences a consequence of the first, a contrast to it "
                    "or an addition?\n\n1. {a}\n2. {b}"
                ),
                "{r}",
            ),
        ),
        "cause": (
            ("Why does the following hold?\n\n{b}", "The reason: {a}"),
            ("Cause: {a}\nWhat follows from it?", "{b}"),
        ),
        "paraphrase": (
            ("Say the following in other words.\n\n{a}", "{b}"),
            ("How could this be put more plainly?\n\n{a}", "{b}"),
        ),
        "definition": (
            ("What is meant by “{a}”?", "{s}"),
            ("Explain the term “{a}” in one sentence.", "{s}"),
        ),
        "word_to_text": (
            ("Write a sentence that uses these terms: {a}.", "{s}"),
            ("Use all of these words in one sentence: {a}.", "{s}"),
        ),
        "completion": (
            ("Continue the following text.\n\n{a}", "{b}"),
            ("This is how a passage begins. Write what comes next.\n\n{a}", "{b}"),
        ),
        "title": (
            ("Give the following text a title.\n\n{b}", "{a}"),
            ("Sum up this text in one headline.\n\n{b}", "{a}"),
            ("Write a passage with the title “{a}”.", "{b}"),
        ),
        "title_behind": (
            ("Give the text above a title.", "{a}"),
            ("What is the text above about? Answer with a headline.", "{a}"),
        ),
    },
}
