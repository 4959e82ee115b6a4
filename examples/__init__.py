"""Processes that a bank, an insurer or a shop would recognise, with workers; and the demo."""
