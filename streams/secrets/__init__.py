"""Secrets at rest, and personal data that goes when its member's key goes."""
