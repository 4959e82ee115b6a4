"""What each built-in function of the specification gives, when it is null, and an example: for people, not for the
compiler. The reference is made of it; a test evaluates every example and compares names with the tables that run.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.feel.builtins.described_camunda import CAMUNDA_ROWS


@final
class Description(msgspec.Struct, frozen=True):
    """A function in words. `null` is when it gives null beyond an argument that is null or of another type.

    `value` is what `example` gives, as FEEL's `string()` writes it.
    """

    clause: str
    result: str
    gives: str
    null: str
    example: str
    value: str


_CONVERSION: Final = {
    "number": ("number", "the number that a text writes; separators may be named", "the text is no number, or the"
               " separators are equal or none of space, comma and point", 'number("1 000,5", " ", ",")', "1000.5"),
    "string": ("string", "the value as FEEL writes it", "", 'string([1, "a"])', '[1, "a"]'),
    "date": ("date", "the date of a text, of a date and time, or of year, month and day", "there is no such day",
             'date(2026, 2, 28)', "2026-02-28"),
    "time": ("time", "the time of a text, of a date and time, or of hour, minute, second and offset; midnight in UTC"
             " of a date", "there is no such time, or the offset exceeds 18 hours", 'time(12, 30, 0, @"PT1H")',
             "12:30:00+01:00"),
    "date and time": ("date and time", "the moment of a text, or a date at a time", "the text is no moment",
                      'date and time(@"2026-01-31", @"10:00:00Z")', "2026-01-31T10:00:00Z"),
    "duration": ("duration", "the duration of an ISO 8601 text, of years and months or of days and time",
                 "the text is neither, or mixes both", 'duration("P1DT6H") * 2', "P2DT12H"),
    "years and months duration": ("years and months duration", "the whole months from one day to another", "",
                                  'years and months duration(@"2025-01-31", @"2026-03-01")', "P1Y1M"),
    "range": ("range", "the range that a text writes, with ends that are literals", "the text is no range, or its ends"
              " have no order", '3 in range("[1..3]")', "true"),
}  # fmt: skip
_BOOLEAN: Final = {
    "not": ("boolean", "the opposite", "", "not(true)", "false"),
}
_STRINGS: Final = {
    "substring": ("string", "the part from a place, from the end if it is negative, at most so many characters long",
                  "there is no character at the place, or the length is below 1", 'substring("foobar", -3, 2)', "ba"),
    "string length": ("number", "how many characters (code points) a text has", "", 'string length("tes🐎t")', "5"),
    "upper case": ("string", "the text in capitals", "", 'upper case("aBc")', "ABC"),
    "lower case": ("string", "the text in small letters", "", 'lower case("aBc")', "abc"),
    "substring before": ("string", "what comes before the first match; empty without one", "",
                         'substring before("foobar", "bar")', "foo"),
    "substring after": ("string", "what comes after the first match; empty without one", "",
                        'substring after("foobar", "ob")', "ar"),
    "replace": ("string", "every match of a regular expression (XPath's) replaced; `$1` is the first group",
                "the pattern or a flag is wrong", 'replace("a1b2", "([0-9])", "<$1>")', "a<1>b<2>"),
    "contains": ("boolean", "whether a text is in another", "", 'contains("foobar", "ob")', "true"),
    "starts with": ("boolean", "whether a text begins with another", "", 'starts with("foobar", "fo")', "true"),
    "ends with": ("boolean", "whether a text ends with another", "", 'ends with("foobar", "r")', "true"),
    "matches": ("boolean", "whether a regular expression (XPath's, flags `s m i x`) matches a part of the text",
                "the pattern or a flag is wrong", 'matches("FooBar", "^foo", "i")', "true"),
    "split": ("list of strings", "the parts between the matches of a regular expression", "the pattern is wrong",
              'split("a;b;;", ";")', '["a", "b", "", ""]'),
    "string join": ("string", "the strings of a list with a delimiter between them, nulls left out",
                    "an item is neither a string nor null", 'string join(["a", null, "b"], "-")', "a-b"),
}  # fmt: skip
_LISTS: Final = {
    "list contains": ("boolean", "whether an item equals the value", "", "list contains([1, null], null)", "true"),
    "count": ("number", "how many items there are", "", "count([1, null])", "2"),
    "min": ("any", "the smallest of comparable items", "there are no items, or they have no order", "min(3, 1, 2)",
            "1"),
    "max": ("any", "the largest of comparable items", "there are no items, or they have no order", 'max(["a", "b"])',
            "b"),
    "sum": ("number or duration", "the sum of numbers, or of durations of one kind", "there are no items, or one is of"
            " another kind", "sum([0.1, 0.2])", "0.3"),
    "mean": ("number", "the average", "there are no items, or one is no number", "mean(1, 2, 6)", "3"),
    "all": ("boolean", "false if an item is false, true if all are true", "none is false, and one is neither",
            "all([true, null, false])", "false"),
    "any": ("boolean", "true if an item is true, false if all are false", "none is true, and one is neither",
            "any([])", "false"),
    "sublist": ("list", "the items from a place, at most so many", "there are not so many from there",
                "sublist([1, 2, 3], -2)", "[2, 3]"),
    "append": ("list", "the list with items at its end", "", "append([1], 2, 3)", "[1, 2, 3]"),
    "concatenate": ("list", "lists one after the other", "", "concatenate([1], [2, 3])", "[1, 2, 3]"),
    "insert before": ("list", "the list with an item before a place", "there is no such place",
                      "insert before([1, 3], 2, 2)", "[1, 2, 3]"),
    "remove": ("list", "the list without the item at a place", "there is no such place", "remove([1, 2, 3], 2)",
               "[1, 3]"),
    "list replace": ("list", "the list with another item at a place, or wherever a function of (item, new item) is"
                     " true", "there is no such place, or the function gives neither true nor false",
                     "list replace([2, 4, 7], function(item, new) item < new, 5)", "[5, 5, 7]"),
    "reverse": ("list", "the items from the last to the first", "", "reverse([1, 2])", "[2, 1]"),
    "index of": ("list of numbers", "the places of a value, from 1", "", 'index of(["a", "b", "a"], "a")', "[1, 3]"),
    "union": ("list", "all items of the lists, each once", "", "union([1, 2], [2, 3])", "[1, 2, 3]"),
    "distinct values": ("list", "each item once, at its first place", "", "distinct values([1, 2, 1.0])", "[1, 2]"),
    "flatten": ("list", "the items of all lists inside, none of them a list", "", "flatten([[1, [2]], 3])",
                "[1, 2, 3]"),
    "product": ("number", "the product", "there are no items, or one is no number", "product(2, 3, 4)", "24"),
    "median": ("number", "the middle one by size, or the average of the two in the middle", "there are no items, or one"
               " is no number", "median([6, 1, 2, 3])", "2.5"),
    "stddev": ("number", "the standard deviation of a sample", "there are fewer than two items, or one is no number",
               "stddev(2, 4, 6)", "2"),
    "mode": ("list of numbers", "the most frequent ones, sorted", "an item is no number", "mode([6, 1, 9, 6, 1])",
             "[1, 6]"),
}  # fmt: skip
_ROUNDED: Final = "the scale is not between -6111 and 6176, or the result needs more than 34 digits"
_NUMBERS: Final = {
    "decimal": ("number", "rounded to so many digits behind the point, half to even", _ROUNDED, "decimal(2.5, 0)", "2"),
    "floor": ("number", "rounded towards minus infinity", _ROUNDED, "floor(-1.56, 1)", "-1.6"),
    "ceiling": ("number", "rounded towards plus infinity", _ROUNDED, "ceiling(-1.5)", "-1"),
    "round up": ("number", "rounded away from zero", _ROUNDED, "round up(1.121, 2)", "1.13"),
    "round down": ("number", "rounded towards zero", _ROUNDED, "round down(-5.5, 0)", "-5"),
    "round half up": ("number", "rounded, half away from zero", _ROUNDED, "round half up(2.5, 0)", "3"),
    "round half down": ("number", "rounded, half towards zero", _ROUNDED, "round half down(2.5, 0)", "2"),
    "abs": ("number or duration", "without its sign", "", 'abs(@"-PT5H")', "PT5H"),
    "modulo": ("number", "the remainder of a division, with the divisor's sign", "the divisor is 0", "modulo(-12, 5)",
               "3"),
    "sqrt": ("number", "the square root", "the number is negative", "sqrt(16)", "4"),
    "log": ("number", "the natural logarithm", "the number is not positive", "log(1)", "0"),
    "exp": ("number", "e to the power of the number", "the result is too large", "exp(0)", "1"),
    "odd": ("boolean", "whether it is an odd whole number", "", "odd(-3)", "true"),
    "even": ("boolean", "whether it is an even whole number", "", "even(2.5)", "false"),
}  # fmt: skip
_IDENTITY: Final = {
    "is": ("boolean", "whether two values are of one kind and equal in all their parts; a time in another zone is"
           " another time", "", 'is(@"10:00:00Z", @"11:00:00+01:00")', "false"),
}  # fmt: skip
_RANGES: Final = {
    "before": ("boolean", "whether the first ends before the second begins", "the ends have no order",
               "before([1..3], 4)", "true"),
    "after": ("boolean", "whether the first begins after the second ends", "the ends have no order",
              "after([5..8], [1..5))", "true"),
    "meets": ("boolean", "whether the first ends where the second begins, the point in both", "the ends have no order",
              "meets([1..5], [5..10])", "true"),
    "met by": ("boolean", "the same the other way round", "the ends have no order", "met by([5..10], [1..5))", "false"),
    "overlaps": ("boolean", "whether a point is in both", "the ends have no order", "overlaps([1..5], (5..8])",
                 "false"),
    "overlaps before": ("boolean", "whether the first begins earlier and ends inside of the second",
                        "the ends have no order", "overlaps before([1..5], [4..9])", "true"),
    "overlaps after": ("boolean", "whether the first begins inside of the second and ends later",
                       "the ends have no order", "overlaps after([4..9], [1..5])", "true"),
    "finishes": ("boolean", "whether the first ends with the second and lies in it", "the ends have no order",
                 "finishes(10, [1..10])", "true"),
    "finished by": ("boolean", "the same the other way round", "the ends have no order",
                    "finished by([1..10], [5..10])", "true"),
    "includes": ("boolean", "whether the second lies in the first", "the ends have no order", "includes([1..10], 5)",
                 "true"),
    "during": ("boolean", "whether the first lies in the second", "the ends have no order", "during((1..3), [1..3])",
               "true"),
    "starts": ("boolean", "whether the first begins with the second and lies in it", "the ends have no order",
               "starts(1, [1..10])", "true"),
    "started by": ("boolean", "the same the other way round", "the ends have no order", "started by([1..10], [1..5])",
                   "true"),
    "coincides": ("boolean", "whether both are the same", "the ends have no order", "coincides([1..5], [1..5))",
                  "false"),
}  # fmt: skip
_TEMPORAL: Final = {
    "day of year": ("number", "1 to 366", "", 'day of year(@"2026-02-01")', "32"),
    "day of week": ("string", "the English name of the day", "", 'day of week(@"2026-11-23")', "Monday"),
    "month of year": ("string", "the English name of the month", "", 'month of year(@"2026-11-23")', "November"),
    "week of year": ("number", "the week of ISO 8601", "", 'week of year(@"2005-01-01")', "53"),
}
_SORT: Final = {
    "sort": ("list", "the items in the order of a function that tells whether its first argument comes first; without"
             " one, by size", "there is no function, and the items have no order",
             "sort([3, 1, 2], function(a, b) a > b)", "[3, 2, 1]"),
}  # fmt: skip
_CONTEXTS: Final = {
    "get value": ("any", "the value of an entry", "there is no such entry", 'get value({a: 1}, "a")', "1"),
    "get entries": ("list of contexts", "`key` and `value` of each entry, in order", "", "get entries({a: 1})",
                    '[{key: "a", value: 1}]'),
    "context": ("context", "the context of entries with `key` and `value`", "a key appears twice, or an entry lacks"
                " one of both", 'context([{key: "a", value: 1}])', "{a: 1}"),
    "context put": ("context", "the context with an entry added or replaced, in a nested context for a list of keys",
                    "there is no key, or a key on the way leads to something else",
                    'context put({a: {}}, ["a", "b"], 1)', "{a: {b: 1}}"),
    "context merge": ("context", "the entries of all contexts; later ones win", "an item is no context",
                      "context merge([{a: 1}, {a: 2, b: 3}])", "{a: 2, b: 3}"),
}  # fmt: skip
_CLOCK: Final = {
    "now": ("date and time", "the moment of the event that is being handled, in the instance's zone", "",
            "now() instance of date and time", "true"),
    "today": ("date", "its day", "", "today() instance of date", "true"),
}  # fmt: skip
_ROWS: Final = {
    "10.3.4.1": _CONVERSION, "10.3.4.2": _BOOLEAN, "10.3.4.3": _STRINGS, "10.3.4.4": _LISTS, "10.3.4.5": _NUMBERS,
    "10.3.4.6": _IDENTITY, "10.3.4.7": _RANGES, "10.3.4.8": _TEMPORAL, "10.3.4.9": _SORT, "10.3.4.10": _CONTEXTS,
    "10.3.4.11": _CLOCK,
}  # fmt: skip
DESCRIBED: Final = {name: Description(clause, *row) for clause, family in _ROWS.items() for name, row in family.items()}
"""The functions of the specification, by name; `clause` is that of DMN 1.5."""
DESCRIBED_CAMUNDA: Final = {name: Description("", *row) for name, row in CAMUNDA_ROWS.items()}
"""What the dialect `camunda` adds or does otherwise."""
