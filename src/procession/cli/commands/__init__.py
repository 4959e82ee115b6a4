"""The commands, by what they are about. Each translates options to one call of the engine or a service."""
