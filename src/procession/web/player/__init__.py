"""The player: a customer plays the user tasks of an instance in a browser (docs/design/0016)."""
