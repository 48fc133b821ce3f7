"""``connexeo new``: a provider's own project, with its own endpoint, handler and driver."""
