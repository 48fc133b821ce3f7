"""Drivers: what stands behind the handlers. An API instance runs exactly one."""
