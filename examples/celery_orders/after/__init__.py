"""The shop with its canvases as processes."""
