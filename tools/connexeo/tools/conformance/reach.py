"""Where a back-end may lead the tool: not into the network of whoever runs it.

Links and redirects of strangers can name any host. Whoever tests a public back-end from inside a company or a cloud
must not ask internal hosts on its behalf; whoever tests a back-end of their own network may stay in there.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address


class Zone(IntEnum):
    """Who can see an address. Each zone may lead to those before it."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    LINK_LOCAL = 3
    """Where clouds tell machines their secrets; nothing leads there but itself."""


class OutOfReach(Exception):
    """An address that is not asked; the text says why."""


def zone_of(address: str) -> Zone:
    """The zone of a literal address."""
    parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    embedded = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    if embedded is not None:
        parsed = embedded
    if parsed.is_link_local:
        return Zone.LINK_LOCAL
    if parsed.is_loopback or parsed.is_unspecified:
        return Zone.LOOPBACK
    return Zone.PUBLIC if parsed.is_global and not parsed.is_multicast else Zone.PRIVATE


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host, which may be one itself.

    Raises:
        OSError: when there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Reach:
    """What may be asked on behalf of a back-end."""

    home: str
    """Its host."""

    @cached_property
    def zone(self) -> Zone:
        """The zone that it lives in; public when nobody knows."""
        try:
            return max((zone_of(each) for each in addresses_of(self.home, 443)), default=Zone.PUBLIC)
        except OSError:
            return Zone.PUBLIC

    def address(self, host: str, port: int) -> str:
        """An address of a host that may be asked.

        Raises:
            OutOfReach: when there is none.
            OSError: when there is no such host.
        """
        addresses = addresses_of(host, port)
        usable = [each for each in addresses if self._is_usable(zone_of(each))]
        if not usable:
            raise OutOfReach(
                f"{host} is at {addresses[0]}, an address that a back-end at {self.home} must not lead to"
            )
        return usable[0]

    def _is_usable(self, zone: Zone) -> bool:
        return zone == self.zone or (zone < self.zone and zone is not Zone.LINK_LOCAL and self.zone < 3)
