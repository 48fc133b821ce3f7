import pytest

from connexeo.tools.conformance.reach import OutOfReach, Reach, Zone, zone_of


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("8.8.8.8", Zone.PUBLIC),
        ("2001:4860:4860::8888", Zone.PUBLIC),
        ("10.1.2.3", Zone.PRIVATE),
        ("172.16.0.1", Zone.PRIVATE),
        ("192.168.0.1", Zone.PRIVATE),
        ("100.64.0.1", Zone.PRIVATE),
        ("fd00::1", Zone.PRIVATE),
        ("224.0.0.1", Zone.PRIVATE),
        ("255.255.255.255", Zone.PRIVATE),
        ("127.0.0.1", Zone.LOOPBACK),
        ("127.8.8.8", Zone.LOOPBACK),
        ("0.0.0.0", Zone.LOOPBACK),
        ("::1", Zone.LOOPBACK),
        ("::ffff:127.0.0.1", Zone.LOOPBACK),
        ("2002:7f00:1::", Zone.LOOPBACK),
        ("169.254.169.254", Zone.LINK_LOCAL),
        ("fe80::1%eth0", Zone.LINK_LOCAL),
        ("::ffff:169.254.169.254", Zone.LINK_LOCAL),
    ],
)
def test_addresses_are_in_zones(address: str, zone: Zone) -> None:
    assert zone_of(address) is zone


LITERALS = {
    Zone.PUBLIC: "8.8.8.8",
    Zone.PRIVATE: "10.0.0.1",
    Zone.LOOPBACK: "127.0.0.1",
    Zone.LINK_LOCAL: "169.254.169.254",
}


@pytest.mark.parametrize("home", Zone)
@pytest.mark.parametrize("target", Zone)
def test_nothing_leads_further_in(home: Zone, target: Zone) -> None:
    reach = Reach(LITERALS[home])
    allowed = home is target or (target < home and home is not Zone.LINK_LOCAL)
    if allowed:
        assert reach.address(LITERALS[target], 80) == LITERALS[target]
    else:
        with pytest.raises(OutOfReach, match="must not lead to"):
            reach.address(LITERALS[target], 80)


def test_numbers_that_are_addresses_are_told_as_such() -> None:
    """``http://2130706433/`` is this computer."""
    with pytest.raises(OutOfReach):
        Reach("8.8.8.8").address("2130706433", 80)
