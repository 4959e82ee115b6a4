"""The test kit on a real Temporal cluster."""
