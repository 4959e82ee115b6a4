"""The agenda's operations. Numbers are stored in incidents and yielded agendas: append only, never reuse."""

from __future__ import annotations

from typing import Final

ENTER: Final = 0
"""(scope, node, token): a token arrives at a node; `token` 1 if it is counted in the scope."""
PREPARE: Final = 1
"""(element): input mappings, then start listeners."""
ACTIVATE: Final = 2
"""(element): the element's own behaviour begins."""
COMPLETE: Final = 3
"""(element): the work is done: output mappings, end listeners, then leave."""
LEAVE: Final = 4
"""(element): choose the outgoing flows and end."""
SPAWN: Final = 5
"""(body, index): the next inner instance of a multi-instance body."""
THROW: Final = 6
"""(element, code, message, variables, listener): a BPMN error looks for its handler; `listener` as of its job."""
CALL: Final = 7
"""(element): ask the host for the definition that a call or decision means."""
DECIDE: Final = 8
"""(element): evaluate the resolved decision."""
REJOB: Final = 9
"""(element): make the element's job again, under the same idempotency key."""
RESUME: Final = 10
"""(root, agenda): go on with an agenda that was stopped as endless."""
OPEN_TASK: Final = 11
"""(element): a user task's listeners ran; show it."""
START_CHILD: Final = 12
"""(element): start the resolved called process."""
REPEAT: Final = 13
"""(element, [catch node, scheduled, cycle, left]): compute the next due time of a cycle."""
START_LISTENER: Final = 14
"""(element, after): the start listener behind index `after`."""
END_LISTENER: Final = 15
"""(element, after): the end listener behind index `after`."""
TASK_LISTENER: Final = 16
"""(element, after): the task listener of the held transition behind index `after`."""
FAIL: Final = 17
"""(element, code, message, listener): an incident that somebody else's answer causes."""
PASS: Final = 18
"""(scope, node, variables): a boundary event whose activity was interrupted passes its token."""
HANDLE: Final = 19
"""(scope, node, variables): the event sub-process of the start event `node` takes over its scope."""
CLOSE_LOOP: Final = 20
"""(body): a multi-instance body ends: its completion condition was met."""
CANCELLED: Final = 21
"""(root, reason): the instance was cancelled."""
JOIN: Final = 50
"""(root, node, content): what was received by `node` may be the first message of a conversation."""
CHECK: Final = 30
"""(element, condition): evaluate the condition of a conditional event that `element` waits for."""
THROW_PART: Final = 31
"""(element, index): throw the definition of that index of a throwing event with several."""
LISTEN: Final = 32
"""(element, event): wait again for all definitions of a parallel multiple event that does not interrupt."""
THROW_IMPLICIT: Final = 33
"""(body, trigger): a multi-instance body throws an event because an instance completed."""
GO_ROUND: Final = 34
"""(body, index): a standard loop begins its next turn, or ends."""
ASK_GATEWAY: Final = 35
"""(scope, node): the activation condition of a complex gateway, after its reset."""
AWAIT: Final = 36
"""(element): subscribe for what a parallel multiple start event still waits for."""
BROADCAST: Final = 37
"""(element, node): throw the signal of an event, or of one of its parts."""
ABANDON: Final = 60
"""(scope): a scope out of which a modification took something ends, if nothing is left in it."""
BEGIN: Final = 61
"""(root, contents): the process begins anew, at these contents."""
SUBSCRIBE: Final = 62
"""(element, catch nodes): open these catches of an element that is active already."""
RENEW_JOB: Final = 63
"""(element): another job in place of the element's own, under a new idempotency key."""
RENEW_TASK: Final = 64
"""(element): compute the attributes of an open user task anew."""

MODIFIED: Final = "modified"
"""The first word of what a scope holds that is to begin with chosen contents (core.contents), until it is entered."""
COMPENSATE: Final = 40
"""(element): the next completed activity that this element has undone, or what follows behind the last."""
CANCEL_TRANSACTION: Final = 41
"""(transaction): all inside a cancelled transaction has ended; what was completed in it is undone."""
ACTIVATE_CHOSEN: Final = 42
"""(ad-hoc sub-process): the next of the activities that were chosen begins."""
GO_ON: Final = 43
"""(ad-hoc sub-process): something in it ended: what was chosen next, or its end."""
