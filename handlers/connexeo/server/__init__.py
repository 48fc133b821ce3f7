"""The HTTP server: connexion and the middlewares around it."""

import warnings

with warnings.catch_warnings():
    # connexion imports starlette's test client and jsonschema's resolver, which announce their successors on import.
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
    warnings.filterwarnings("ignore", message=r"jsonschema\.\S+ is deprecated")
    import connexion  # noqa: F401
