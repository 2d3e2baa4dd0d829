from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.networks import is_anybodys, network

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
ANYTHING = st.text(max_size=40)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.77:51234", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]:443", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("unknown", ""),
        ("", ""),
        ("1.2.3", ""),
        ("1.2.3.4.5:80", ""),
    ],
)
def test_network_keeps_no_more_than_is_needed(address: str, found: str) -> None:
    assert network(address, forwarded_for="", proxies=0) == found


@given(real=ADDRESSES, claimed=st.lists(ANYTHING, max_size=4), proxies=st.integers(1, 3))
def test_network_is_told_by_our_own_proxies_alone(real: str, claimed: list[str], proxies: int) -> None:
    """What the visitor writes stands before what our proxies have written; and a comma of theirs only adds hops."""
    ours = [real, *["10.0.0.1"] * (proxies - 1)]
    header = ", ".join([*claimed, *ours])

    assert network("10.0.0.9", forwarded_for=header, proxies=proxies) == network(
        real, forwarded_for="", proxies=0
    )


@given(real=ADDRESSES, header=ANYTHING)
def test_network_without_a_proxy_believes_no_header(real: str, header: str) -> None:
    assert network(real, forwarded_for=header, proxies=0) == network(real, forwarded_for="", proxies=0)


@given(remote=ANYTHING, header=ANYTHING, proxies=st.integers(0, 3))
def test_network_is_one_or_nothing_whatever_is_written(remote: str, header: str, proxies: int) -> None:
    found = network(remote, forwarded_for=header, proxies=proxies)

    assert found == "" or str(ipaddress.ip_network(found)) == found


@given(st.ip_addresses(v=4), st.integers(0, 255))
def test_neighbours_are_one_network(address: ipaddress.IPv4Address, last: int) -> None:
    neighbour = ipaddress.ip_address(int(address) // 256 * 256 + last)

    assert network(str(address), forwarded_for="", proxies=0) == network(
        str(neighbour), forwarded_for="", proxies=0
    )


@pytest.mark.parametrize(
    ("address", "says_nothing"),
    [("127.0.0.1", True), ("10.1.2.3", True), ("172.18.0.1", True), ("::1", True), ("fd00::1", True), ("", True),
     ("100.64.1.1", True), ("192.0.2.1", False), ("172.32.0.1", False), ("2a00:1450::1", False)],
)  # fmt: skip
def test_is_anybodys_where_all_may_come_from(address: str, says_nothing: bool) -> None:
    assert is_anybodys(network(address, forwarded_for="", proxies=0)) is says_nothing
