"""The forms of personal information: how each kind is written, checked, and told by its context.

Patterns see plain text, with full-width signs made narrow. Sources of the forms: GB 11643
(resident ID), GB 32100 (credit code), ISO/IEC 7812 (cards), ISO 13616 (IBAN), GA 36 (plates), the
numbering plans of mainland China and North America.
"""

from collections.abc import Callable
from dataclasses import dataclass

from datakit.text.pii_checks import (
    has_birth_date,
    is_credit_code,
    is_iban,
    is_public_address,
    is_resident_id,
    passes_luhn,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A way a kind is written. `pattern` may name the part that matters `value`. `hint` is a
    pattern without look-around that every text with a match has. With `is_bare`, a match right
    behind the name of another kind of number is none.
    """

    kind: str
    pattern: str
    hint: str
    check: Callable[[str], bool] | None = None
    is_bare: bool = False


_START = r"(?<![0-9A-Za-z_.])(?<![A-Za-z0-9][-/])"
_END = r"(?![0-9A-Za-z_])(?![-.]\d)"
_IS = r"[\s:=#.()是为\"“”「」-]{0,6}"
# Behind another number, which a stroke parts from this one: 010-62345678/13812345678.
_NEXT = "|".join(
    [r"(?<=\d[- ]\d{4}/)"]
    + [rf"(?<=(?<![0-9A-Za-z_])(?<!\d\.)(?<![A-Za-z]/)\d{{{digits}}}/)" for digits in (7, 8, 11)]
)


def _alone(value: str) -> str:
    """The pattern of a value that is no part of a longer one."""
    return f"{_START}(?:{value}){_END}"


def _behind(words: str, value: str) -> str:
    """The pattern of a value right behind one of some words."""
    return rf"(?i:{words}){_IS}(?P<value>{value}){_END}"


_ROW_7 = r"\d(?:[ -]?\d){6}"

_MAIL = (
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?@"
    r"(?!example\.(?:com|org|net)\b)(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+"
    r"[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)

_PATIENT_WORDS = (
    r"(?:住院|门诊|病案|病历|就诊卡?|诊疗卡|医保卡?|社保卡?|医疗保险卡?)(?:号码|号|编号|卡号)|MRN"
)
_PATIENT_HINT = "住院|门诊|病案|病历|就诊|诊疗卡|医保|社保|医疗保险|(?i:mrn)"

_ID = r"[1-9]\d{5}[ -]?(?:18|19|20)\d{6}[ -]?\d{3}[\dXx]"
_ID_WORDS = r"(?:身份证件?|身份号码|公民身份|证件号码?|ID card)(?:号码|号)?"

_CREDIT = r"[159ANY][1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}"
_CREDIT_WORDS = "信用代码|税号|纳税人识别号"

# UnionPay 62 and 9558; Visa 4; MasterCard 51-55, 22-27; JCB 35; Discover 65; Amex 34, 37.
_CARD = (
    r"(?:62|9558)(?:[ -]?\d){14,17}"
    r"|(?:4\d|5[1-5]|2[2-7]|35|65)\d\d(?:[ -]?\d{4}){3}"
    r"|3[47]\d\d[ -]?\d{6}[ -]?\d{5}"
)
_CARD_WORDS = r"(?:银行卡|信用卡|储蓄卡|借记卡|卡|账|帐)(?:号码|号|户)|银行卡|信用卡"
_ACCOUNT = r"\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?"
_IBAN = r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"

_CHINA = r"(?:(?:\+|00)?86[- ]?|\((?:\+|00)?86\)[- ]?)?"
_MOBILE_ROW = r"1[3-9]\d{9}"
_MOBILE = r"1[3-9]\d[- ]?\d{4}[- ]?\d{4}|1[3-9]\d{2}[- ]\d{3}[- ]\d{4}"
_AREA = r"(?:10|2\d|[3-9]\d\d)"
_SEVEN = r"[2-8]\d{2,3}[- ]?\d{4}"
_MOBILE_HINT = r"[1１][3-9３-９](?:[ -]?\d){4}"
# The first part only saves the rest the trouble.
_MOBILE_START = rf"(?=[(+018])(?:{_START}|{_NEXT}|(?<=(?<![0-9A-Za-z_.]){_MOBILE_ROW}-))"
_MOBILE_END = rf"(?![0-9A-Za-z_])(?!\.\d)(?!-(?!{_MOBILE_ROW}(?!\d))\d)"
_LANDLINE = (
    rf"{_CHINA}(?:\(0{_AREA}\)[- ]?|0{_AREA}[-—–]){_SEVEN}(?:[-转]\d{{1,5}})?(?![0-9A-Za-z_])"
)
_LANDLINE_HINT = r"\d[)）—–－-][ -]?\d{3}"
_NUMBER = r"(?:[\s._-]{0,2}(?:No|number|号码?))?"
_TELEPHONE = f"(?:电话|座机|传真|热线|联系方式|tel|telephone|phone|fax){_NUMBER}"
_MOBILE_WORDS = f"(?:tel|telephone|phone|fax|mobile|contact|电话|手机|联系方式){_NUMBER}"
# A decimal number: one with a point alone, behind = or with more digits than a country's code has.
_DECIMAL = r"\+(?:(?<==\+)\d|\d{4})\d*\.\d+(?![\d.])"
_ABROAD = (
    rf"(?<![0-9A-Za-z_+])(?<!\d\.)(?!{_DECIMAL})"
    r"\+(?!86)[1-9]\d{0,2}[- .]?(?:\(\d{1,4}\)[- .]?)?"
    r"\d{1,4}(?:[- .]?\d{2,4}){2,4}(?![0-9A-Za-z])"
)
_AMERICAN = r"[2-9]\d{2}-\d{4}"

_PASSPORT = r"[A-Z]{1,2}\d{6,8}|[A-Z]\d{8}"
_PASSPORT_WORDS = r"护照(?:号码|号)?|passport(?: number| no\.?)?"
_PERMIT_HINT = "通行证|回乡证|台胞证|居住证"

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_LETTER, _SIGN = "A-HJ-NP-Z", "A-HJ-NP-Z0-9"
_PLATE = (
    rf"(?<![A-Za-z0-9])[{_PROVINCE}][{_LETTER}][ ·•・]?(?=(?:[A-Z]*\d){{2}})"
    rf"(?:[DF][{_SIGN}]\d{{4}}|\d{{5}}[DF]|[{_SIGN}]{{4}}[{_SIGN}挂学警港澳])(?![A-Za-z0-9])"
)
_PLATE_HINT = rf"[{_PROVINCE}][A-Z][ ·•・]?[A-Z0-9]{{4}}"

_IPV4 = r"(?<![0-9A-Za-z_.])(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z_])(?!\.\d)"
_GROUPS = r"[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4})"
_IPV6 = rf"(?<![0-9A-Za-z:.]){_GROUPS}{{2,7}}(?![0-9A-Za-z:])"

_QQ_WORDS = r"(?<![A-Za-z])(?:QQ群?|Q群|扣扣|企鹅|加Q)(?:号码|号|群)?"
_QQ_HINT = "(?i:qq|q群)|扣扣|企鹅|加Q"
_WECHAT = r"微信|薇信|威信|V信|WeChat|weixin|VX|wx|加\s?[vV]"
_WECHAT_ID = r"[A-Za-z][-_A-Za-z0-9]{5,19})(?![-_A-Za-z0-9@.])"
# With a colon or 号 any name is an account, and a number that counts nothing; without, a name with
# a digit or a low line.
_WECHAT_TOLD = (
    rf"(?i:(?<![A-Za-z])(?:{_WECHAT})\s?(?:号码|号|ID)?)"
    rf"\s?(?:[:=]|是|为|号)\s?(?P<value>[1-9]\d{{5,10}}(?!\s?[\d.万亿元人次个名位])|{_WECHAT_ID}"
)
_WECHAT_BARE = (
    rf"(?i:(?<![A-Za-z])(?:{_WECHAT}))(?:号码|号|ID)?[\s(]{{0,3}}"
    rf"(?P<value>(?=[-_A-Za-z]*[0-9_]){_WECHAT_ID}"
)

FORMS = (
    Form(kind="email", pattern=_MAIL, hint="[@＠]"),
    Form(
        kind="patient_id",
        pattern=_behind(_PATIENT_WORDS, r"[A-Za-z]{0,3}\d{5,18}"),
        hint=_PATIENT_HINT,
    ),
    Form(kind="id_card", pattern=_alone(_ID), hint=_ROW_7, check=is_resident_id),
    Form(kind="id_card", pattern=_behind(_ID_WORDS, _ID), hint=_ROW_7, check=has_birth_date),
    Form(
        kind="id_card",
        pattern=_behind(_ID_WORDS, r"[1-9]\d{14}"),
        hint=_ROW_7,
        check=has_birth_date,
    ),
    Form(
        kind="credit_code",
        pattern=_alone(rf"(?=\d*[A-Z]){_CREDIT}"),
        hint=_ROW_7,
        check=is_credit_code,
    ),
    Form(
        kind="credit_code",
        pattern=_behind(_CREDIT_WORDS, _CREDIT),
        hint=_ROW_7,
        check=is_credit_code,
    ),
    Form(kind="bank_card", pattern=_behind(_CARD_WORDS, _ACCOUNT), hint=_ROW_7),
    Form(kind="bank_card", pattern=_alone(_CARD), hint=_ROW_7, check=passes_luhn, is_bare=True),
    Form(kind="iban", pattern=_alone(_IBAN), hint=r"[A-Z]{2}\d\d ?[A-Z0-9]{4}", check=is_iban),
    Form(
        kind="mobile",
        pattern=rf"(?i:{_MOBILE_WORDS}){_IS}(?P<value>{_CHINA}(?:{_MOBILE})){_MOBILE_END}",
        hint=_MOBILE_HINT,
    ),
    Form(
        kind="mobile",
        pattern=f"{_MOBILE_START}{_CHINA}(?:{_MOBILE}){_MOBILE_END}",
        hint=_MOBILE_HINT,
        is_bare=True,
    ),
    Form(kind="landline", pattern=_behind(_TELEPHONE, _LANDLINE), hint=_LANDLINE_HINT),
    Form(
        kind="landline",
        pattern=rf"(?=[(+08])(?:{_START}|{_NEXT})(?<!\d-){_LANDLINE}",
        hint=_LANDLINE_HINT,
        is_bare=True,
    ),
    Form(
        kind="landline",
        pattern=_alone(rf"(?:\+|00)86[- ]?{_AREA}[- ]{_SEVEN}"),
        hint=r"86[- ]?\d{2,3}[- ]\d{3}",
    ),
    Form(
        kind="landline", pattern=_behind(_TELEPHONE, rf"(?:0{_AREA} ?)?[2-8]\d{{6,7}}"), hint=_ROW_7
    ),
    Form(kind="phone", pattern=_ABROAD, hint=r"[+＋]\d"),
    Form(kind="phone", pattern=_alone(rf"\([2-9]\d{{2}}\) ?{_AMERICAN}"), hint=r"\(\d{3}\)"),
    Form(
        kind="phone",
        pattern=_behind(
            rf"(?:phone|tel|call|fax|mobile|cell){_NUMBER}", rf"(?:1-)?[2-9]\d{{2}}-{_AMERICAN}"
        ),
        hint=r"\d{3}-\d{3}",
    ),
    Form(
        kind="ssn",
        pattern=_behind(r"SSN|social security(?: number| no\.?)?", r"\d{3}-\d{2}-\d{4}"),
        hint=r"\d{3}-\d{2}-",
    ),
    Form(kind="passport", pattern=_behind(_PASSPORT_WORDS, _PASSPORT), hint="护照|(?i:passport)"),
    Form(
        kind="permit",
        pattern=_behind(rf"(?:{_PERMIT_HINT})(?:号码|号)?", r"[HMCW][A-Z]?\d{7,10}|\d{8}"),
        hint=_PERMIT_HINT,
    ),
    Form(kind="plate", pattern=_PLATE, hint=_PLATE_HINT),
    Form(
        kind="ip",
        pattern=_IPV4,
        hint=r"\d\.\d{1,3}\.\d{1,3}\.\d",
        check=is_public_address,
        is_bare=True,
    ),
    Form(kind="ip", pattern=_IPV6, hint=_GROUPS + "{3}", check=is_public_address),
    Form(kind="qq", pattern=_behind(_QQ_WORDS, r"[1-9]\d{4,10}"), hint=_QQ_HINT),
    Form(kind="wechat", pattern=_WECHAT_TOLD, hint=f"(?i:{_WECHAT})"),
    Form(kind="wechat", pattern=_WECHAT_BARE, hint=f"(?i:{_WECHAT})"),
)

KINDS = tuple(dict.fromkeys(form.kind for form in FORMS))

# Behind the name of one of these, a number that looks like a telephone's or a card's is none.
OTHER_NUMBERS = (
    "编号|批号|批次|条码|条形码|订单|订单号|运单号?|快递单号|单号|流水号|序号|序列号|货号|料号|型号"
    "|版本号?|案号|病例号?|标本号?|样本号?|样品号?|检验号|检查号|影像号|切片号|注册证?号?|登记号"
    "|受理号|文号|准字|备案号|专利号?|收据号|发票号码?|凭证号|交易号|账单号|合同号|课题号|基金号"
    "|项目号|PMID|PMCID|DOI|ISBN|ISSN|NCT|CAS|ChiCTR|SKU|UPC|EAN|OMIM|GenBank|RefSeq|LOT|No|order"
    "|tracking|serial|invoice|case|sample|specimen|batch|version|build|timestamp"
)
