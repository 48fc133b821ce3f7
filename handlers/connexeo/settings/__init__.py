"""Settings of a deployment: one frozen object, from the environment and a TOML file."""

from connexeo.settings.federation import BasicAccount, Breaker, Federation, Selection, Upstream
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
    "BasicAccount",
    "Billing",
    "BillingPlan",
    "Breaker",
    "Federation",
    "Instance",
    "OidcClient",
    "OidcProvider",
    "Role",
    "Selection",
    "Settings",
    "Upstream",
    "load_settings",
    "require_loopback",
]
