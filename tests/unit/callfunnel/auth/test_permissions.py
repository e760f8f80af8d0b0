import pytest

from callfunnel.auth.permissions import PERMISSIONS, Permission, Role, permitted


def test_every_role_is_in_the_table() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_every_permission_can_be_had() -> None:
    assert permitted(Role) == frozenset(Permission)


def test_a_viewer_hears_no_recording() -> None:
    assert Permission.READ_CALLS in permitted([Role.VIEWER])
    assert Permission.PLAY_RECORDINGS not in permitted([Role.VIEWER])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.APPROVER])
def test_only_an_approver_decides(role: Role) -> None:
    assert Permission.DECIDE_APPROVALS not in permitted([role])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PUBLISHER])
def test_only_a_publisher_publishes(role: Role) -> None:
    assert Permission.PUBLISH_RULEBOOKS not in permitted([role])


def test_no_role_is_no_permission() -> None:
    assert permitted([]) == frozenset()
