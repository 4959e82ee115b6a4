"""Regular expressions by clause: XML Schema 1.1 part 2, appendix G, and XPath functions (XQuery 1.0), 7.6.

Each row is a pattern, texts that it matches as a whole, and texts that it does not; or a text and what is found in it.
"""

from __future__ import annotations

import sys
import unicodedata

import pytest

from procession import feel
from procession.feel.builtins import charsets
from procession.feel.builtins.regex import RANGES_MAX, compiled

WHOLE = [
    # G.4.2.5, escapes of many characters
    (r"\s", [" ", "\t", "\n", "\r"], ["\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2003", "a", ""]),
    (r"\S", ["\x0b", "\xa0", "\u2003", "a", "é"], [" ", "\t", "\n", "\r"]),
    (r"\d", ["0", "9", "٣", "९", "𝟘"], ["²", "Ⅷ", "½", "a", "_"]),
    (r"\D", ["²", "a", "½"], ["0", "٣"]),
    (r"\w", ["a", "Z", "5", "é", "$", "+", "€", "~", "`", "^", "=", "\u0301", "²", "한", "𝒳", "😀"],
     ["_", "-", ".", "!", " ", "\t", "\xa0", "\u200b", "\u2028", "«", "\ue000", "\U000e0001", "\u0378"]),
    (r"\W", ["_", "-", " ", "\u200b", "\ue000"], ["a", "$", "é", "\u0301"]),
    (r"\i", ["a", "_", ":", "é", "ω"], ["1", "-", ".", "·", " ", "×", "\u0301"]),
    (r"\I", ["1", "-", "·"], ["a", "_", ":"]),
    (r"\c", ["a", "_", ":", "1", "-", ".", "·", "\u0301"], ["!", " ", "÷"]),
    (r"\C", ["!", " ", "÷"], ["a", "-", "·"]),
    (r"[\w]", ["$", "é"], ["_"]), (r"[\w_]", ["_", "a"], ["-"]), (r"[^\w]", ["_", "."], ["a", "$"]),
    (r"[\s\d]", [" ", "7"], ["\xa0", "a"]), (r"[^\s\S]", [], ["a", " ", "é"]), (r"[\s\S]", ["a", " ", "é", "😀"], []),
    # G.4.2.2, categories
    (r"\p{L}", ["a", "é", "한", "ª"], ["1", "_"]), (r"\p{Lu}", ["A", "É"], ["a", "ǅ"]), (r"\p{Ll}", ["a", "ß"], ["A"]),
    (r"\p{Lt}", ["ǅ"], ["A"]), (r"\p{Lm}", ["ʰ"], ["a"]), (r"\p{Lo}", ["한", "ª"], ["a"]),
    (r"\p{M}", ["\u0301", "\u20dd"], ["a"]), (r"\p{Mn}", ["\u0301"], ["\u20dd"]), (r"\p{N}", ["1", "Ⅷ", "½"], ["a"]),
    (r"\p{Nd}", ["1"], ["½"]), (r"\p{Nl}", ["Ⅷ"], ["1"]), (r"\p{No}", ["½"], ["1"]),
    (r"\p{P}", ["_", "-", "(", "«", "!"], ["$"]), (r"\p{Pc}", ["_"], ["-"]), (r"\p{Pd}", ["-"], ["_"]),
    (r"\p{Ps}", ["("], [")"]), (r"\p{Pe}", [")"], ["("]), (r"\p{Pi}", ["«"], ["»"]), (r"\p{Pf}", ["»"], ["«"]),
    (r"\p{Z}", [" ", "\xa0", "\u2028"], ["\t"]), (r"\p{Zs}", [" "], ["\u2028"]), (r"\p{Zl}", ["\u2028"], [" "]),
    (r"\p{S}", ["$", "+", "^", "©"], ["!"]), (r"\p{Sm}", ["+"], ["$"]), (r"\p{Sc}", ["$", "€"], ["+"]),
    (r"\p{Sk}", ["^"], ["+"]), (r"\p{So}", ["©"], ["+"]), (r"\p{C}", ["\t", "\u200b", "\u0378", "\ue000"], ["a"]),
    (r"\p{Cc}", ["\t"], [" "]), (r"\p{Cf}", ["\u200b"], ["\t"]), (r"\p{Co}", ["\ue000", "\U0010fffd"], ["a"]),
    (r"\p{Cn}", ["\u0378", "\U00050000", "\U0010ffff"], ["a", "\ue000"]),
    (r"\P{L}", ["1", "_"], ["a", "é"]), (r"[^\P{Lu}]", ["A"], ["a", "1"]), (r"[\p{Lu}\p{Nd}]", ["A", "1"], ["a"]),
    # G.4.2.3, blocks
    (r"\p{IsBasicLatin}", ["a", "\x7f"], ["é"]), (r"\P{IsBasicLatin}", ["é"], ["a"]),
    (r"\p{IsGreek}", ["ω"], ["a"]), (r"\p{IsCyrillic}+", ["Ж", "Жж"], ["a"]), (r"[\p{IsArrows}x]", ["→", "x"], ["y"]),
    # G.4.2, classes, and what they leave out
    (r"[a-z-[aeiou]]", ["b", "z"], ["a", "e", "B", "-"]), (r"[a-z-[b-y-[m]]]", ["a", "m", "z"], ["b", "n"]),
    (r"[^a-c-[x]]", ["d", "-", "é"], ["a", "x"]), (r"[\w-[\d]]", ["a", "$"], ["1", "_"]),
    (r"[\p{L}-[\p{Lu}]]", ["a", "ω"], ["A", "Ω"]), (r"[\i-[:]][\c-[:]]*", ["a1", "_x-y"], ["a:b", ":a", "1a"]),
    (r"[-a]", ["-", "a"], ["b"]), (r"[a-]", ["-", "a"], ["b"]), (r"[^-a]", ["b"], ["-", "a"]),
    (r"[a^]", ["^", "a"], []),
    (r"[+--]", ["+", ",", "-"], ["."]), (r"[\-\]\[\\\^]", ["-", "]", "[", "\\", "^"], ["a"]),
    (r"[.*$]", [".", "$"], ["a"]),
    (r"[\t-\r]", ["\t", "\n", "\x0b"], [" "]), (r"[a|b]", ["|"], []), (r"[&&~~]", ["&", "~"], ["a"]),
    (r"[Α-Ω-[Σ]]", ["Α", "Ω"], ["Σ"]), (r"[😀-😂]", ["😁"], ["😃"]),
    # G.4.2.4, single characters
    (r"\n\r\t", ["\n\r\t"], []), (r"\|\.\-\^\?\*\+\{\}\(\)\[\]\$\\", ["|.-^?*+{}()[]$\\"], []),
    ("a#b c&", ["a#b c&"], []),
    # G.4.1, quantifiers, branches, groups
    (r"a{2}", ["aa"], ["a", "aaa"]), (r"a{2,}", ["aa", "aaa"], ["a"]), (r"a{1,2}", ["a", "aa"], ["aaa"]),
    (r"a{0}b", ["b"], ["ab"]), (r"(a|b)*c?", ["", "abc"], ["cc"]), (r"a||b", ["a", "", "b"], ["c"]),
    (r"()", [""], ["a"]),
    (r"(?:ab)+", ["abab"], ["aba"]), (r"a+?b", ["aab"], []),
    # 7.6.1, back-references
    (r"(a)\1", ["aa"], ["ab"]), (r"(a|(b))c\2", ["ac", "bcb"], ["bc", "acb"]), (r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10",
     ["abcdefghijj"], ["abcdefghija0"]), (r"(a)\10", ["aa0"], []), (r"(.)(.)\2\1", ["abba"], ["abab"]),
    (r"(?:a)(b)\1", ["abb"], ["aba"]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "matched", "others"), WHOLE, ids=[row[0] for row in WHOLE])
def test_a_pattern_matches_these_texts_and_no_others(pattern: str, matched: list[str], others: list[str]) -> None:
    assert [text for text in matched if not _matches(text, f"^(?:{pattern})$")] == []
    assert [text for text in others if _matches(text, f"^(?:{pattern})$")] == []


FLAGS = [
    # 7.6.1.1: s
    ("a.b", "a\nb", "", False), ("a.b", "a\rb", "", False), ("a.b", "a\nb", "s", True), ("a.b", "a\u2028b", "", True),
    # m
    ("^b", "a\nb", "", False), ("^b", "a\nb", "m", True), ("a$", "a\nb", "", False), ("a$", "a\nb", "m", True),
    ("a$", "a\n", "", False), ("a$", "a\n", "m", True), ("^$", "a\n", "m", False), ("^$", "a\n\nb\n", "m", True),
    ("^$", "", "m", True), ("^$", "", "", True), ("^$", "\n", "m", True), ("^a^", "a", "", False),
    ("^*a$?", "ba", "", True),
    # i: a range and its exceptions are taken in any case, a category is not
    ("[a-z]", "Q", "i", True), ("[A-Z-[OI]]", "o", "i", False), ("[A-Z-[OI]]", "b", "i", True),
    ("[^Q]", "q", "i", False),
    ("[^Q]", "Q", "i", False), (r"\p{Lu}", "a", "i", False), (r"\P{Lu}", "A", "i", False),
    (r"[\p{Lu}b]", "B", "i", True),
    (r"[\p{Lu}b]", "a", "i", False), ("é", "É", "i", True), ("σ", "ς", "i", True), ("k", "\u212a", "i", True),
    ("\u212a", "k", "i", True), ("[\u212a]", "K", "i", True), ("[^\u212a]", "K", "i", False), ("μ", "µ", "i", True),
    (r"(a)\1", "aA", "i", True), ("[à-ý]", "É", "i", True), ("straße", "STRASSE", "i", False), ("ж+", "ЖжЖ", "i", True),
    # x: white space is left out, but not in brackets
    (" a b\t", "ab", "x", True), ("a[ ]b", "a b", "x", True), (r"\ sa", " a", "x", True), (r"a\[ b", "a[b", "x", True),
    ("a b", "a b", "", True), ("A B", "ab", "xi", True), ("^ a . b $", "a\nb", "sx", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text", "flags", "found"), FLAGS)
def test_a_flag_changes_what_a_pattern_means(pattern: str, text: str, flags: str, found: bool) -> None:
    assert _matches(text, pattern, flags) is found


WRONG = [
    "[", "]", "a]", "{", "}", "a}", "(", ")", "*", "a**", "a{", "a{2", "a{,2}", "a{2,1}", "a{x}", "(?=a)", "(?i)a",
    "(?P<n>a)",
    "[]", "[^]", "[a", "[a[b]", "[z-a]", r"[a-\d]", r"[\d-z]", "[0-9-.]", "[a-z-[b]c]", "[a-z-[b]", "[a-z-[]]", "\\",
    r"\a", r"\b", r"\B", r"\A", r"\Z", r"\h", r"\_", r"\/", r"\ ", r"\"", r"\u0061", r"\x61", r"\0", r"\1",
    r"(a)\2", r"(a\1)",
    r"(a)[\1]", r"\p", r"\pL", r"\p{}", r"\p{Xx}", r"\p{Cs}", r"\p{l}", r"\p{L1}", r"\p{Latin}", r"\p{IsNothing}",
    r"\p{ L}", r"\p{^L}", r"[\p{Xx}]", "a{99999}",
]  # fmt: skip


@pytest.mark.parametrize("pattern", WRONG)
def test_what_is_no_pattern_is_null_and_a_note(pattern: str) -> None:
    runtime = feel.Runtime()
    assert feel.evaluate("matches(t, p)", {"t": "aa", "p": pattern}, runtime=runtime) is None
    assert [note.code for note in runtime.notes] == ["regex"]


@pytest.mark.parametrize("flags", ["q", "g", "I", " ", "sq"])
def test_a_flag_that_the_clause_does_not_have_is_null_and_a_note(flags: str) -> None:
    # `q` came with XPath 3.0; DMN 1.5 names the functions of XPath 2.0.
    assert _matches("a", "a", flags) is None


REPLACED = [
    ("abracadabra", "bra", "*", "a*cada*"), ("abracadabra", "a.*a", "*", "*"), ("abracadabra", "a.*?a", "*", "*c*bra"),
    ("abracadabra", "a", "", "brcdbr"), ("abracadabra", "a(.)", "a$1$1", "abbraccaddabbra"), ("AAAA", "A+", "b", "b"),
    ("AAAA", "A+?", "b", "bbbb"), ("darted", "^(.*?)d(.*)$", "$1c$2", "carted"), ("abcd", "(ab)|(a)", "[1=$1][2=$2]",
     "[1=ab][2=]cd"), ("a_b-c", r"\w", "x", "x_x-x"), ("a b", r"\s", r"\$\\", "a$\\b"), ("abc", "(b)", "$0$12$2",
     "abb2c"),
    ("é1", r"\p{L}", "L", "L1"), ("reluctant", "r.*?t", "X", "Xant"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pattern", "new", "result"), REPLACED)
def test_every_match_is_replaced(text: str, pattern: str, new: str, result: str) -> None:
    assert feel.evaluate("replace(t, p, n)", {"t": text, "p": pattern, "n": new}) == result


@pytest.mark.parametrize("pattern", ["", ".*?", "(a)?", "^", "$", "^*"])
def test_a_pattern_that_matches_nothing_at_all_replaces_nothing(pattern: str) -> None:
    assert feel.evaluate("replace(t, p, n)", {"t": "abracadabra", "p": pattern, "n": "$1"}) is None


SPLIT = [
    ("The cat  sat", r"\s+", ["The", "cat", "sat"]), ("1, 15,24", r",\s*", ["1", "15", "24"]),
    ("a\xa0b", r"\s", ["a\xa0b"]),
    ("a_b", r"\W", ["a", "b"]), ("Some unparsed <br> HTML <BR> text", "<br>", ["Some unparsed ", " HTML <BR> text"]),
    ("", ",", [""]), (",", ",", ["", ""]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pattern", "parts"), SPLIT)
def test_a_text_is_split_at_each_match(text: str, pattern: str, parts: list[str]) -> None:
    assert feel.evaluate("split(t, p)", {"t": text, "p": pattern}) == parts


def test_the_categories_are_those_of_pythons_unicode() -> None:
    found: dict[str, list[int]] = {}
    for code in range(sys.maxunicode + 1):
        found.setdefault(unicodedata.category(chr(code)), []).append(code)
    for name, codes in found.items():
        ranges = charsets.category(name)
        assert [code for first, last in ranges for code in range(first, last + 1)] == codes, name


@pytest.mark.parametrize("top", charsets.TOPS)
def test_what_is_left_out_of_a_set_changes_nothing_below(top: int) -> None:
    everything = ((0, top),)
    for name in ("L", "P", "C", "Lu"):
        assert charsets.common(charsets.category(name), everything) == charsets.category(name, top)
        below, whole = charsets.others(charsets.category(name, top), top), charsets.others(charsets.category(name))
        assert below == charsets.common(whole, everything)


def test_a_pattern_of_more_large_classes_than_can_be_compiled_quickly_is_refused() -> None:
    pattern = r"\w" * 200
    assert _matches("a" * 200, pattern) is True
    runtime = feel.Runtime()
    assert feel.evaluate("matches(t, p)", {"t": "😀" * 200, "p": pattern}, runtime=runtime) is None
    assert "too many large classes" in runtime.notes[0].message
    assert len(compiled(r"\w" * 10, "", "😀").pattern) > RANGES_MAX


def _matches(text: str, pattern: str, flags: str = "") -> object:
    return feel.evaluate("matches(t, p, f)", {"t": text, "p": pattern, "f": flags})
