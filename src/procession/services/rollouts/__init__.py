"""Rollouts: taking what starts, and what runs, from one host to another in steps (docs/design/0022)."""
