"""Settings of a deployment: one frozen object, from the environment and a TOML file."""

from connexeo.settings.settings import (
    Billing,
    BillingPlan,
    Instance,
    OidcClient,
    OidcProvider,
    Role,
    Settings,
    load_settings,
    require_loopback,
)

__all__ = [
    "Billing",
    "BillingPlan",
    "Instance",
    "OidcClient",
    "OidcProvider",
    "Role",
    "Settings",
    "load_settings",
    "require_loopback",
]
