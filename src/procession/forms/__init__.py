"""Forms: the schema of form-js with documented extensions, read, checked, compiled, shown and judged.

What the other rooms use is re-exported here. Forms know no process and no server: data in, a view or a verdict out.
"""

from __future__ import annotations

from procession.forms.compiled import Compiled
from procession.forms.compiling import compile_form
from procession.forms.lint import check_compiled, check_form
from procession.forms.programs import Programs, programs
from procession.forms.reading import looks_like_form, read_form
from procession.forms.schema import Component, Form
from procession.forms.scope import path_of, path_text
from procession.forms.settling import Attached, Setting
from procession.forms.submit import Submitted, submit
from procession.forms.verdict import Fault, judge
from procession.forms.view import Item, Option, Page, RuleView, View, view

__all__ = [
    "Attached",
    "Compiled",
    "Component",
    "Fault",
    "Form",
    "Item",
    "Option",
    "Page",
    "Programs",
    "RuleView",
    "Setting",
    "Submitted",
    "View",
    "check_compiled",
    "check_form",
    "compile_form",
    "judge",
    "looks_like_form",
    "path_of",
    "path_text",
    "programs",
    "read_form",
    "submit",
    "view",
]
