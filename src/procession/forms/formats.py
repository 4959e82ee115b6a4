"""Formats of kinds of fields, as tables and small functions: IBAN, phone, e-mail, currency, postcodes, masks, files.

Each tells whether a text is one; the messages and the places of faults are the verdict's.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

EMAIL_MAX: Final = 254
"""Longest address of e-mail, in characters (RFC 5321)."""
_LOCAL_MAX: Final = 64
_EMAIL_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\]\\]+")
_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SIGNS: Final = re.compile(r"[\s().\-/\u2010-\u2015]")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+")
_SPACES: Final = re.compile(r"[\s-]+")
_IMAGE: Final = re.compile(r"data:image/(?:png|jpeg|svg\+xml|webp);base64,[A-Za-z0-9+/]+={0,2}")

IBAN_LENGTHS: Final[dict[str, int]] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Country -> length of its IBANs, by the registry of SWIFT."""

_DECIMALS: Final[dict[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}

POSTCODES: Final[dict[str, re.Pattern[str]]] = {
    country: re.compile(pattern)
    for countries, pattern in (
        ("AT AU BE BG CH CY DK GE HU LU LV NO NZ SI TN ZA", r"[0-9]{4}"),
        ("DE EE ES FI FR HR IT KR KW LT MA MX MY RS SA TH TR UA US", r"[0-9]{5}"),
        ("CN CO IN RO RU SG VN", r"[0-9]{6}"),
        ("IL", r"[0-9]{7}"),
        ("CZ GR SE SK", r"[0-9]{3} ?[0-9]{2}"),
        ("PL", r"[0-9]{2}-?[0-9]{3}"),
        ("PT", r"[0-9]{4}-?[0-9]{3}"),
        ("BR", r"[0-9]{5}-?[0-9]{3}"),
        ("JP", r"[0-9]{3}-?[0-9]{4}"),
        ("NL", r"[1-9][0-9]{3} ?[A-Z]{2}"),
        ("CA", r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"),
        ("GB", r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"),
        ("IE", r"[A-Z][0-9][0-9W] ?[A-Z0-9]{4}"),
    )
    for country in countries.split()
}
"""Country -> its postcodes. Where a country has no row every postcode is taken."""
_US_EXTENDED: Final = re.compile(r"[0-9]{5}-[0-9]{4}")


def is_email(text: str) -> bool:
    """An address as mail servers take it: no spaces, one @, a domain of labels with a dot; any script."""
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    return (
        bool(at)
        and len(text) <= EMAIL_MAX
        and len(local) <= _LOCAL_MAX
        and _EMAIL_LOCAL.fullmatch(local) is not None
        and not local.startswith(".")
        and not local.endswith(".")
        and ".." not in local
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdecimal()
    )


def phone_of(text: str, calling_code: str = "") -> str:
    """A number as E.164 writes it: without spaces and brackets, `00` and a national 0 replaced."""
    number = _PHONE_SIGNS.sub("", text.replace("(0)", "") if text.lstrip().startswith(("+", "00")) else text)
    if number.startswith("00"):
        return f"+{number[2:]}"
    if calling_code and number and not number.startswith("+"):
        return f"{calling_code}{number.removeprefix('0')}"
    return number


def is_phone(text: str) -> bool:
    """A number of E.164: a plus, a country code, at most 15 digits."""
    return _PHONE.fullmatch(text) is not None


def iban_of(text: str) -> str:
    """An IBAN without spaces, in capitals."""
    return _SPACES.sub("", text).upper()


def is_iban(text: str) -> bool:
    """An IBAN: the length of its country, and a remainder of 1 by 97 (ISO 13616)."""
    if _IBAN.fullmatch(text) is None or IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def currency_decimals(currency: str) -> int:
    """How many decimals amounts of a currency have (ISO 4217)."""
    return _DECIMALS.get(currency, 2)


def decimals_of(number: int | Decimal) -> int:
    """How many decimals a number has, without zeros at its end."""
    if isinstance(number, int) or not number:
        return 0
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def is_card_number(text: str) -> bool:
    """Whether a text is the number of a payment card, which is kept nowhere: 13 to 19 digits, by Luhn's sum."""
    digits = _SPACES.sub("", text)
    if not 13 <= len(digits) <= 19 or not digits.isdecimal() or not digits.isascii():
        return False
    doubled = [int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def is_postcode(text: str, country: str) -> bool:
    """Whether a postcode is of a country's form; true for a country that has no row."""
    pattern = POSTCODES.get(country.upper())
    given = text.strip().upper()
    return (
        pattern is None
        or pattern.fullmatch(given) is not None
        or (country.upper() == "US" and _US_EXTENDED.fullmatch(given) is not None)
    )


def fits_mask(text: str, mask: str) -> bool:
    """Whether a text has a digit for each 9, a letter for each A, either for each *, and other signs as they are."""
    return len(text) == len(mask) and all(_fits(sign, wanted) for sign, wanted in zip(text, mask, strict=True))


def is_image(text: str) -> bool:
    """Whether a text is a drawn image in itself, of a type that browsers draw."""
    return _IMAGE.fullmatch(text) is not None


def accepted(accept: str, name: str, type: str) -> bool:
    """Whether a file is one of those that an `accept` of HTML names: endings, media types, `image/*`."""
    wanted = [each.strip().lower() for each in accept.split(",") if each.strip()]
    return not wanted or any(_accepts(each, name.lower(), type.lower()) for each in wanted)


def _accepts(wanted: str, name: str, type: str) -> bool:
    if wanted.startswith("."):
        return name.endswith(wanted)
    if wanted.endswith("/*"):
        return type.startswith(wanted[:-1])
    return wanted in {"*", type}


def _fits(sign: str, wanted: str) -> bool:
    if wanted == "9":
        return sign.isascii() and sign.isdigit()
    if wanted == "A":
        return sign.isalpha()
    return sign.isalpha() or (sign.isascii() and sign.isdigit()) if wanted == "*" else sign == wanted
