"""Documents that tests of the server deploy, beside `web_rig.XML`."""

from __future__ import annotations

from web_rig import XML

XML_2 = XML.replace(
    '<sequenceFlow id="g" sourceRef="work" targetRef="e"/>',
    '<sequenceFlow id="g" sourceRef="work" targetRef="check"/><userTask id="check" name="Check">'
    "<extensionElements><zeebe:userTask/></extensionElements></userTask>"
    '<sequenceFlow id="h" sourceRef="check" targetRef="e"/>',
).replace('<serviceTask id="work">', '<serviceTask id="work" name="Do the work">')
"""The process of `web_rig.XML` with a user task behind its service task, which got a name."""

QUICK = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
 <process id="quick" isExecutable="true"><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="e"/>
 <endEvent id="e"/></process></definitions>"""
"""A process that ends at once."""

HEARING = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
 <message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=order"/></extensionElements>
 </message><process id="hearing" isExecutable="true"><startEvent id="s"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="wait"/>
 <intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
 <sequenceFlow id="g" sourceRef="wait" targetRef="e"/><endEvent id="e"/></process></definitions>"""
"""Waits for the message `paid` with the key `order`."""

DECISION = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="menu" name="Menu" namespace="menu">
 <decision id="dish" name="Dish"><variable name="dish" typeRef="string"/>
 <literalExpression><text>if season = "winter" then "stew" else "salad"</text></literalExpression></decision>
</definitions>"""
"""The decision `dish`, by `season`."""
