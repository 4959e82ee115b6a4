"""The main job: a thousand orders with real workers, the engine killed half-way, nothing lost, nothing doubled."""
