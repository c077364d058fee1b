"""Which encoding a file is in: as told, or found out.

Detection knows what Chinese and English corpora come in: UTF-8, UTF-16, UTF-32, GB18030 (which
holds GBK and GB2312) and Big5. It goes by byte order marks, then by how much of the file is valid
UTF-8, then by how much of what each remaining candidate makes of it are everyday Chinese
characters. Right decodings of modern, classical and traditional texts score 0.5 to 0.9, wrong ones
and other languages below 0.25 (tried on medical QA, web text, classical books, Tang poems,
Wikipedia, and on Japanese, Korean, French, German and Russian texts in their old encodings).
What is none of these is read as UTF-8, so that its undecodable text becomes rejects: nothing is
guessed that would turn text into other text unseen.
"""

import codecs
import re
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from datakit.errors import SettingsError
from datakit.stages.ingest.files import open_bytes

AUTO = "auto"
EncodingErrors: TypeAlias = Literal["reject", "replace"]
ERRORS = get_args(EncodingErrors)

WHOLE_BYTES = 2 << 20
"""A file up to this size is judged whole, a larger one by its start and windows all over it."""
WINDOW_BYTES = 64 << 10
WINDOWS = 16

UTF8_SHARE = 0.9
"""A file is UTF-8 if this share of its non-ASCII bytes belongs to valid sequences; the rest are
broken lines. Texts in GB18030 or Big5 come to 0.1 to 0.4."""
PLAUSIBLE = 0.3
"""Least share of everyday characters for a candidate to be believed."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    ("\ufeff".encode("gb18030"), "gb18030"),
)
# As web browsers do, a name stands for the widest encoding that people mean by it.
SUPERSETS = {
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
}
NOT_FOR_TEXT = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7")

# The most frequent Han characters of modern web text, medical QA and classical books counted
# with equal weight, their traditional forms, and those of traditional Wikipedia.
FREQUENT = frozenset(
    "的不之一有以是者治肝病气可为中用要也能生人血下食时药大我而在心名上文了如其子内三多阳性目经现水"
    "得来胃好于和发患毒主阴入出味物这寒去热二同高无小方容后则服你此自化行个么所情会录常白医乙五果救"
    "篇压饮对天数代定平科黄分症使及吃作云疗日过就古年身意理部复当重风明到草痛查正或火前功次体太甘说"
    "神酒十法月因又检卷相地他曰痫通与等本实知炎将期故外少两消癫温都解清面辛足需除引止道何成据还建问"
    "事状见四山并感然制况表种根苦便口干细动您议石应再间吗降家补糖但没看很量即金什参脾虚亦加散汤最利"
    "精伤合令儿皮效力手进先木非结度活怎肺取长今已致头留至院香从持们些腹老保益皆公钱只邪久肉样安诸肾"
    "抗必调回尿传疾湿想升未脏西恶宜防比花点开关各且脂百始肠觉直素原里良若元诊起做军品王染新言色证更"
    "类专六积注那每南题马免由反胀丸管才康着轻冷询硬低别变害末许泻半养息肿骨置采己州官近节增青谢修乃"
    "麻微第带指师极望字认土全母东酸君受疫切吐赤真强较命该欲型喝易姜矣转门严张值书信般助控七尽氣爲時"
    "藥內陽經現來於發陰這熱後則個麼會錄醫壓飲對數黃喫雲療過復當體說檢癇與實將兩癲溫據還問狀見並況種"
    "幹細動議應間嗎補沒參虛湯傷兒進結長頭從們錢樣諸腎調傳溼髒惡點開關腸覺裏診軍證類專積題馬脹輕詢別"
    "變許瀉養腫採節謝帶師極認東強較該轉門嚴張書盡術脈給諮斷請辦瘡確處腦膽連學難規終葉態蟲幾國陳導屬"
    "產殺輸魚驚異運歸話試護須謂維絕勞計餘訪適備統損總鹽質歲夠紅鹹決義為民哪政斯區戰市爾亞美教德業共"
    "羅聯機拉稱府球克電華界島權約紀灣基史省族語設尼阿領員隊著布達黨河英臺車星台蘭港場賽組展縣選巴林"
    "爭濟條萬洲影格卡皇漢社報造資司際務蘇歐舉宗包擊納廣線居派視邦武鐵曾蒙論源商韓陸攻校境誰網支劉域"
    "福團歷集局奧普威列伊龍構響宣俄京印"
    "，。、；：“”‘’？！（）《》「」『』\u3000·—…"
)


def check_encoding(encoding: str, errors: str = "reject") -> None:
    """Check the settings `encoding` and `encoding_errors` of a source.

    Raises:
        SettingsError: there is no such encoding, or no such way to treat undecodable text.
    """
    if encoding != AUTO:
        try:
            "\n".encode(encoding)
            known = codecs.lookup(encoding).name not in NOT_FOR_TEXT
        except (LookupError, UnicodeError):
            known = False
        if not known:
            hint = "for example auto, utf-8, gb18030, big5, utf-16, cp1252, shift_jis"
            raise SettingsError("encoding", f"there is no text encoding {encoding!r}", hint)
    if errors not in ERRORS:
        raise SettingsError("encoding_errors", f"{errors!r} is not one of {', '.join(ERRORS)}")


def detect_encoding(path: Path, encoding: str = AUTO) -> str:
    """The Python name of a file's encoding; with `encoding` given, that one's.

    `utf-8`, `utf-16-le` and so on whether a byte order mark is there or not.

    Raises:
        DatakitError: the file cannot be read.
    """
    if encoding == AUTO:
        return detect(_sample(path))
    with open_bytes(path) as stream:
        return codec_name(stream.read(4), encoding)


def codec_name(start: bytes, encoding: str) -> str:
    """The Python name of an encoding that a user has named, for a file that begins with `start`."""
    named = codecs.lookup(encoding).name
    if named not in ("utf-16", "utf-32"):
        return SUPERSETS.get(named, named)
    by_mark = next((name for mark, name in BOMS if start.startswith(mark)), "")
    return by_mark if by_mark.startswith(named) else f"{named}-le"


def detect(sample: bytes) -> str:
    """The encoding of a file of which `sample` is the start or more."""
    for mark, name in BOMS:
        if sample.startswith(mark):
            return name
    zeros = sample.count(0)
    if not zeros and _is_utf8(sample):
        return "utf-8"
    # English in UTF-16 is half zeros, and valid UTF-8 all the same.
    if utf8_share(sample) >= UTF8_SHARE and zeros < len(sample) // 10:
        return "utf-8"
    wide = ("utf-16-le", "utf-16-be") if zeros else ()
    candidates = ("utf-8", *wide, "gb18030", "cp950", "big5hkscs")
    thin = _thin(sample)
    scores = {name: plausibility(thin, name) for name in candidates}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= PLAUSIBLE else "utf-8"


def _is_utf8(sample: bytes) -> bool:
    try:
        sample.decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8_share(sample: bytes) -> float:
    """Share of the non-ASCII bytes that are part of valid UTF-8 sequences; 1.0 without any."""
    if sample.isascii():
        return 1.0
    ascii_bytes = len(sample) - len(sample.translate(None, _ASCII))
    valid = len(sample.decode("utf-8", "ignore").encode()) - ascii_bytes
    return valid / (len(sample) - ascii_bytes)


def plausibility(sample: bytes, encoding: str) -> float:
    """Share of everyday Chinese characters and punctuation among what is not ASCII; for the wide
    encodings, which make Han characters of any bytes, ASCII text counts as everyday too.
    """
    text = sample.decode(encoding, "replace")
    beyond_ascii = _ASCII_RUN.sub("", text)
    frequent = sum(map(FREQUENT.__contains__, beyond_ascii))
    counted = len(beyond_ascii)
    if encoding.startswith("utf-16"):
        frequent += len(text) - len(beyond_ascii) - text.count("\0")
        counted = len(text)
    return frequent / counted if counted else 0.0


def guess_other(sample: bytes) -> str | None:
    """What charset-normalizer takes the bytes for: a hint for people, never acted upon."""
    import charset_normalizer

    best = charset_normalizer.from_bytes(sample[:65536]).best()
    return best.encoding if best else None


_ASCII = bytes(range(128))
_ASCII_RUN = re.compile("[\0-\x7f]+")


def _thin(sample: bytes) -> bytes:
    """Four windows of a large sample's lines beyond ASCII: enough to tell what is plausible."""
    if len(sample) <= 4 * WINDOW_BYTES:
        return sample
    if not sample.count(0):
        sample = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    starts = (len(sample) // 4 // 4 * 4 * quarter for quarter in range(4))
    return b"".join(sample[start : start + WINDOW_BYTES] for start in starts)


def _sample(path: Path) -> bytes:
    """A small file whole; of a large one the start and, where it can be sought, windows all over.

    A sample of nothing but ASCII says nothing, so the search goes on to the first other byte.
    """
    with open_bytes(path) as stream:
        sample = stream.read(WHOLE_BYTES)
        if len(sample) < WHOLE_BYTES:
            return sample
        if stream.seekable():
            step = max((stream.seek(0, 2) - WHOLE_BYTES) // WINDOWS, 1)
            windows = []
            for number in range(WINDOWS):
                stream.seek((WHOLE_BYTES + number * step) // 4 * 4)
                windows.append(stream.read(WINDOW_BYTES))
            sample += b"".join(windows)
            stream.seek(WHOLE_BYTES)
        if sample.isascii() and not sample.count(0):
            while (block := stream.read(WHOLE_BYTES)) and block.isascii():
                pass
            sample = block or sample
    return sample
