"""Tenants: what one may have, its environments, its way in and out, and where it lives."""
