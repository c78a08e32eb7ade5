import socket

from person_mtl_ros.nodes import own_domain as module
from person_mtl_ros.nodes.own_domain import own_domain


def test_domains_taken_at_the_same_time_differ_and_are_free_again(monkeypatch):
    monkeypatch.setattr(module, 'DOMAINS', range(98, 100))
    with own_domain() as first, own_domain() as second:
        assert {first, second} == {98, 99}
    with own_domain() as again:
        assert again in (first, second)


def test_a_domain_in_use_is_passed_over(monkeypatch):
    monkeypatch.setattr(module, 'DOMAINS', range(98, 100))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_program:
        other_program.bind(('', 7410 + 250 * 98))
        with own_domain() as domain_id:
            assert domain_id == 99
