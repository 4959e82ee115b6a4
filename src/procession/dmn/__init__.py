"""Decisions: tables, graphs and hit policies, on top of FEEL. Pure; it reads no files and no clock."""
