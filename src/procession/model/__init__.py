"""Immutable documents: BPMN, DMN and their diagrams, in the words of the standards. Nothing here acts."""
