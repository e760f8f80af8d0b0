from hypothesis import given
from hypothesis import strategies as st

from callfunnel.auth.permissions import Permission, PlatformRole, Role
from callfunnel.auth.principal import Principal, group_path, principal_of
from callfunnel.domain.ids import TenantId

ACME, ACME2 = TenantId("acme"), TenantId("acme2")


def who(*groups: object) -> Principal:
    return principal_of({"sub": "s", "exp": 1, "groups": list(groups)})


def test_a_group_path_gives_its_role_in_its_tenant() -> None:
    principal = who(group_path(ACME, Role.OPERATOR), group_path(ACME, Role.APPROVER))
    assert principal.roles == {ACME: {Role.OPERATOR, Role.APPROVER}}
    assert principal.may(ACME, Permission.CONTROL_CALLS)


def test_a_tenant_whose_name_begins_alike_is_another() -> None:
    principal = who(group_path(ACME2, Role.APPROVER))
    assert not principal.may(ACME, Permission.DECIDE_APPROVALS)
    assert principal.tenants == (ACME2,)


def test_nothing_but_the_exact_path_counts() -> None:
    for path in (
        "tenants/acme/admin",
        "/tenants/acme/admin/",
        "/tenants/acme/admin/more",
        "/tenants/acme",
        "//tenants/acme/admin",
        "/Tenants/acme/admin",
        "/tenants/ACME/admin",
        "/tenants/acme/Admin",
        "/tenants/acme/root",
        "/tenants/*/admin",
        "/tenants/../admin",
        "/tenants/acme\n/admin",
        "/evil/tenants/acme/admin",
        "admin",
    ):
        assert who(path).roles == {}, path


def test_groups_that_are_no_list_of_texts_give_nothing() -> None:
    for groups in (None, "/tenants/acme/admin", {"a": 1}, [1, None, ["/tenants/acme/admin"]]):
        assert principal_of({"sub": "s", "exp": 1, "groups": groups}).roles == {}


def test_platform_roles_stand_apart() -> None:
    principal = who("/platform/auditor", "/platform/nobody")
    assert principal.platform == {PlatformRole.AUDITOR}
    assert principal.roles == {}


@given(st.lists(st.text(max_size=60)))
def test_made_up_groups_never_open_a_tenant(groups: list[str]) -> None:
    exact = {group_path(ACME, role) for role in Role}
    assert ACME not in who(*(group for group in groups if group not in exact)).roles
