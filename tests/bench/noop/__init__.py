"""Handlers that do nothing: what is left is routing, security, validation of the body, and sending."""
