"""Use cases without HTTP and without a host: what a caller may ask for."""
