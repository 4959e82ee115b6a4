"""Who asks: API keys, tokens of identity providers, and what becomes of those who present neither."""
