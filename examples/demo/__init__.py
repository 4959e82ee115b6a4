"""The main job: a thousand instances of the example processes with real workers; the engine is killed half-way."""
