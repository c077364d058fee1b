"""Whether a number is one of its kind: check digits, dates, regions, address ranges."""

import datetime
import ipaddress
import re

# First two digits of a resident ID (GB/T 2260).
_PROVINCES_BY_AREA = (
    (11, 15),
    (21, 23),
    (31, 37),
    (41, 46),
    (50, 54),
    (61, 65),
    (71, 71),
    (81, 82),
)
PROVINCES = frozenset(
    str(code) for first, last in _PROVINCES_BY_AREA for code in range(first, last + 1)
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SEPARATORS = str.maketrans("", "", " -")
_LEAST_ADDRESS_DIGITS = 7


def bare(number: str) -> str:
    """A number without the blanks and dashes that group its digits."""
    return number.translate(_SEPARATORS)


def is_resident_id(number: str) -> bool:
    """Whether 18 characters have a region, a date of birth and the check digit of GB 11643."""
    digits = bare(number).upper()
    if not has_birth_date(digits):
        return False
    total = sum(int(d) * w for d, w in zip(digits, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == digits[17]


def has_birth_date(number: str) -> bool:
    """Whether a resident ID of 18 or 15 characters has a region and a possible date of birth."""
    digits = bare(number)
    date = digits[6:14] if len(digits) == 18 else f"19{digits[6:12]}"
    try:
        born = datetime.date(int(date[:4]), int(date[4:6]), int(date[6:]))
    except ValueError:
        return False
    return digits[:2] in PROVINCES and 1880 <= born.year <= 2050


def is_credit_code(code: str) -> bool:
    """Whether 18 characters have a region and the check character of GB 32100 (unified social
    credit code).
    """
    values = [_CREDIT_ALPHABET.find(character) for character in code]
    if len(values) != 18 or min(values) < 0 or code[2:4] not in PROVINCES | {"10"}:
        return False
    total = sum(value * pow(3, place, 31) for place, value in enumerate(values[:17]))
    return (31 - total % 31) % 31 == values[17]


def passes_luhn(number: str) -> bool:
    """Whether digits have the check digit of ISO/IEC 7812 (bank cards)."""
    digits = [int(digit) for digit in bare(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def is_iban(code: str) -> bool:
    """Whether an account number has the check digits of ISO 13616."""
    plain = bare(code).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_public_address(address: str) -> bool:
    """Whether this is an IPv4 or IPv6 address of the open internet, and none that a numbering of
    chapters or versions could be (`1.2.3.4`: fewer than seven digits).
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if found.version == 4:
        return found.is_global and len(re.sub(r"\D", "", address)) >= _LEAST_ADDRESS_DIGITS
    return found.is_global and len([group for group in address.split(":") if group]) >= 3
