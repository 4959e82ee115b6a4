"""What the server tells of itself: logs, metrics, traces. Nothing here changes what a request does."""
