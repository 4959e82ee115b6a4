"""Who asks: API keys, tokens of identity providers, and what becomes of those who present neither."""

from procession.services.first_start import ensure_admin
from procession.web.identity.opening import gate_of

__all__ = ("ensure_admin", "gate_of")
