"""A second, slow evaluator of FEEL, written from the specification (DMN 1.5, 10.3): what the compiler is held against.

It walks the tree of the parser and shares nothing else with `procession.feel`: numbers are `Decimal` throughout, dates
are `datetime` shifted by whole cycles of 400 years, each rule is written down once, plainly, and nothing is fast.
"""
