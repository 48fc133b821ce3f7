"""Settings of a deployment: one frozen object, from the environment and a TOML file."""

from connexeo.settings.federation import (
    Agreement,
    BasicAccount,
    Breaker,
    Federation,
    Merging,
    Selection,
    Upstream,
)
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
    "Agreement",
    "BasicAccount",
    "Billing",
    "BillingPlan",
    "Breaker",
    "Federation",
    "Instance",
    "Merging",
    "OidcClient",
    "OidcProvider",
    "Role",
    "Selection",
    "Settings",
    "Upstream",
    "load_settings",
    "require_loopback",
]
