"""Which addresses may be connected to, and the resolution of host names to such addresses."""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from connexeo.fetch.errors import FetchFailed, FetchRefused

Address = IPv4Address | IPv6Address

# Metadata services that live outside of the link-local ranges, which are never allowed anyway.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle Cloud
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_THIS_NETWORK = IPv4Network("0.0.0.0/8")
_RESOLVER_THREADS = 8


def is_allowed(address: Address, *, allow_private: bool) -> bool:
    """Whether a connection to this address may be made.

    An IPv6 address that stands for an IPv4 address (mapped, 6to4, Teredo, NAT64) is judged by the latter.
    """
    embedded = _embedded(address)
    if embedded:
        return all(is_allowed(inner, allow_private=allow_private) for inner in embedded)
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback:
        return allow_private
    if address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address.is_site_local:
        return allow_private
    return address.is_global or (allow_private and address not in _THIS_NETWORK)


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


async def resolve(host: str, port: int, *, allow_private: bool) -> tuple[Address, ...]:
    """All addresses of a host, each of them checked.

    One forbidden address among several refuses the host as a whole: an honest name has no such mixture.

    Raises:
        FetchRefused: when an address is forbidden.
        FetchFailed: when the host has no address.
    """
    try:
        addresses: tuple[Address, ...] = (ip_address(host),)
    except ValueError:
        addresses = await _look_up(host, port)
    if not all(is_allowed(address, allow_private=allow_private) for address in addresses):
        allowable = all(is_allowed(address, allow_private=True) for address in addresses)
        hint = ": it is a private one (see the setting `allow_private_network`)" if allowable else ""
        raise FetchRefused(f"the address of {host} is not allowed{hint}")
    return addresses


async def _look_up(host: str, port: int) -> tuple[Address, ...]:
    loop = asyncio.get_running_loop()
    try:
        # Not the loop's own executor: its threads are waited for when the loop closes, and a lookup that
        # hangs would outlast the deadline.
        found = await loop.run_in_executor(_resolver(os.getpid()), _getaddrinfo, host, port)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"the host {host} cannot be resolved") from error
    addresses = tuple(dict.fromkeys(ip_address(str(sockaddr[0])) for *_, sockaddr in found))
    if not addresses:
        raise FetchFailed(f"the host {host} cannot be resolved")
    return addresses


def _getaddrinfo(host: str, port: int) -> list[tuple[object, object, object, object, tuple[object, ...]]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


@lru_cache(maxsize=1)
def _resolver(process: int) -> ThreadPoolExecutor:
    """Threads for name resolution; by process id, since threads do not survive a fork."""
    return ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix=f"resolve-{process}")
