"""Settings of a deployment: one frozen object, from the environment and a TOML file."""

from connexeo.settings.settings import OidcProvider, Settings, load_settings

__all__ = ["OidcProvider", "Settings", "load_settings"]
