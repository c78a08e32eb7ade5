import pytest

from person_mtl_ros.backends.backend import first_line


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (RuntimeError('out of memory\nhints'), 'out of memory'),
        (ValueError('\n  out of memory'), 'out of memory'),
        (AssertionError(), 'AssertionError'),
    ],
)
def test_an_error_always_has_a_first_line(error: Exception, expected: str) -> None:
    assert first_line(error) == expected
