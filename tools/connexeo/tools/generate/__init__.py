"""Writes the package ``connexeo.generated`` from the contract."""
