"""The host on Temporal: instances are workflows, and the engine's store is where they are found and seen."""
