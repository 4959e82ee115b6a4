"""Many players of a journey at the same time, against one server process."""
