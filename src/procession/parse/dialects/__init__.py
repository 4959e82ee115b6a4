"""Extension namespaces, one file each: what their elements mean in the model."""
