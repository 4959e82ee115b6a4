"""Context: the one door between element code and the instance. It reads, evaluates and writes facts."""

from __future__ import annotations

from collections import deque
from typing import Final, final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.apply import APPLY
from procession.core.commands import AnyCommand
from procession.core.linked import Environment, Linked, Lookup
from procession.core.operations import ENTER
from procession.core.state import ElementInstance, Operation, State
from procession.ir.program import NONE, Node, Ref, Text

NOTES_MAX: Final = 20
"""Most warnings that one transition records; an expression in a loop may repeat one a thousand times."""


@final
class Rejected(Exception):
    """An event that the instance does not accept. Raised before any fact; `step` turns it into the outcome."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@final
class Context:
    """One step. `write` is the only way to change the state; `agenda` is what remains to do in this step."""

    __slots__ = (
        "agenda",
        "at",
        "commands",
        "env",
        "facts",
        "later",
        "linked",
        "next_key",
        "nodes",
        "sources",
        "state",
        "target",
    )

    def __init__(self, linked: Linked, state: State, at: int, key: int, target: Linked | None = None) -> None:
        self.linked = linked
        self.target = target
        """The program that a migration goes to."""
        self.nodes = linked.nodes
        self.state = state
        self.at = at
        self.next_key = key
        self.facts: list[f.AnyFact] = []
        self.commands: list[AnyCommand] = []
        self.agenda: deque[Operation] = deque()
        self.later: deque[Operation] = deque()
        """What is done, one at a time, when the agenda is empty."""
        self.env: Environment | None = None
        self.sources: list[Ref] = []
        """Of each warning in `env`, the expression that it came from; NONE for a decision."""

    def write(self, fact: f.AnyFact) -> None:
        """Decided: the fact is history and the state follows it."""
        self.facts.append(fact)
        APPLY[type(fact)](self.linked.program, self.state, fact)

    def send(self, command: AnyCommand) -> None:
        """Tells the host what to do after the commit."""
        self.commands.append(command)

    def new_key(self) -> int:
        """The next key of the shard."""
        key = self.next_key
        self.next_key = key + 1
        return key

    def element(self, key: int) -> ElementInstance:
        """An element instance that must exist; `Rejected("not-found")` otherwise."""
        found = self.state.elements.get(key)
        if found is None:
            raise Rejected("not-found", f"element instance {key} is not active")
        return found

    def switch(self, linked: Linked) -> None:
        """The instance was migrated: from here on it runs this program."""
        self.linked = linked
        self.nodes = linked.nodes

    def enter(self, scope: int, node: Ref) -> None:
        """Puts the entering of a node, without a token, on the agenda."""
        self.agenda.append((ENTER, scope, node, 0))

    def lookup(self, element: ElementInstance, overlay: dict[str, Json] | None = None) -> Lookup:
        """Variables as `element` sees them: the overlay, its own, then those of each enclosing scope."""
        missing = self.linked.missing

        def get(name: str) -> object:
            if overlay is not None and name in overlay:
                return overlay[name]
            scope: ElementInstance | None = element
            while scope is not None:
                variables = scope.variables
                if variables is not None and name in variables:
                    return variables[name]
                scope = scope.scope
            return missing

        return get

    def evaluate(self, ref: Ref, element: ElementInstance, overlay: dict[str, Json] | None = None) -> Json:
        """The value of an expression. Warnings are kept in the environment and written after the transition."""
        env = self.env
        if env is None:
            env = self.environment()
        try:
            return self.linked.expressions[ref](self.lookup(element, overlay), env)
        finally:
            if env.notes:
                self.sources += [ref] * (min(len(env.notes), NOTES_MAX) - len(self.sources))

    def evaluate_over(self, ref: Ref, content: dict[str, Json]) -> Json:
        """The value of an expression that sees nothing but `content`."""
        missing = self.linked.missing
        return self.linked.expressions[ref](lambda name: content.get(name, missing), self.environment())

    def environment(self) -> Environment:
        """The environment that all expressions of a transition share."""
        if self.env is None:
            state = self.state
            self.env = self.linked.environment(self.at, state.zone, state.seed, state.draws)
        return self.env

    def truth(self, ref: Ref, element: ElementInstance, what: str, overlay: dict[str, Json] | None = None) -> bool:
        """The value of a condition. Anything but true and false is a failure that tells why (issue camunda#5880)."""
        value = self.evaluate(ref, element, overlay)
        if value is True or value is False:
            return value
        expression = self.linked.program.expressions[ref]
        raise Failure("condition", f"the {what} `{expression.text}` is {_shown(value)}, not a boolean{self._because()}")

    def text(self, text: Text, element: ElementInstance, what: str) -> str:
        """A literal, or an expression's value that must be a string or a number."""
        if text.expression < 0:
            return text.literal
        value = self.evaluate(text.expression, element)
        if isinstance(value, str):
            return value
        if value is not None and not isinstance(value, bool | list | dict):
            return str(value)
        expression = self.linked.program.expressions[text.expression]
        raise Failure("expression", f"the {what} `{expression.text}` is {_shown(value)}, not a string{self._because()}")

    def node_of(self, element: ElementInstance) -> Node:
        """The compiled node of an element instance."""
        return self.nodes[element.node]

    def note_warnings(self, element: int) -> None:
        """Writes the warnings and draws of the expressions evaluated since the last call."""
        env = self.env
        if env is None:
            return
        self.env = None
        drawn = env.random_used - self.state.draws
        if drawn:
            self.write(f.Drew(drawn))
        if env.notes:
            sources = [*self.sources, *[NONE] * NOTES_MAX]
            self.sources.clear()
            notes: list[Json] = [
                [n.code, n.message, n.start, n.end, ref] for n, ref in zip(env.notes[:NOTES_MAX], sources, strict=False)
            ]
            # The element may have ended in this very transition: what was evaluated for it is its history all the same.
            self.write(f.Warned(element, notes))

    def _because(self) -> str:
        env = self.env
        if env is None or not env.notes:
            return ""
        return f": {env.notes[-1].message}"


def _shown(value: Json) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
