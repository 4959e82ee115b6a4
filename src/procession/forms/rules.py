"""The rules of forms by name: what breaks each. What must not live here: how a rule is checked."""

from __future__ import annotations

from typing import Final

RULES: Final = {
    "form-json": "the file is no JSON, or none that is taken",
    "form-size": "the form is larger, deeper or of more components than the limit",
    "form-root": "the document is no form, or of a version that is not known",
    "form-id": "a form without an id, or two components with the same",
    "form-component": "a component of a type that is not known, or where it cannot stand",
    "form-property": "a property is missing, unknown, or not of its type",
    "form-extension": "an extension that is not known, not of its type, or without a meaning at this component",
    "form-key": "a key or path that is missing, no path, or the way to two fields",
    "form-feel": "an expression, or one of a text, that is no FEEL",
    "form-unset-name": "an expression reads a name that no field of the form sets",
    "form-options": "options that come from nowhere, from two sources, or twice",
    "form-table": "a table whose columns come from nowhere or from two sources",
    "form-pattern": "a pattern that is no regular expression, or one that is not matched in bounded time",
    "form-limits": "limits that no value keeps",
    "form-default": "a default value that its own field refuses",
    "form-label": "a component that a screen reader has no name for",
    "form-page": "a page that stands outside of pages, is empty, or can never be seen",
    "form-language": "a text that is missing in a language that others have",
    "form-rule": "a cross-field rule that lacks a condition or a message, or names no field",
    "form-sensitive": "a field that holds what identifies or pays, and is not said to be sensitive",
}
"""Rule -> what breaks it."""
