"""What a tool call may do, and what a person is asked."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

import callfunnel.local.demo
from callfunnel.domain.rulebook import ApprovalPolicy, Persona, Rulebook, Tool
from workers.conductor.tools.kinds import KINDS
from workers.conductor.tools.rules import Asked, Refused, check, policy_for, question, tool_of

POLICY = ApprovalPolicy(
    field="percent", above=10, ask="{percent} percent for {months} months",
    pending="wait", approved="yes", refused="no", expired="late",
)  # fmt: skip
OFFER = Tool(
    name="offer_discount",
    kind="offer",
    description="a discount",
    parameters={
        "type": "object",
        "properties": {
            "percent": {"type": "integer", "maximum": 40},
            "months": {"type": "integer"},
        },
        "required": ["percent"],
        "additionalProperties": False,
    },
    approval=POLICY,
)


def asked(kind: str, settings: dict, arguments: dict | None = None, caller: str = "+15550100123"):
    tool = Tool(name="x", kind=kind, description="", parameters={}, settings=settings)
    return Asked(call="c", tool_call="t", tool=tool, arguments=arguments or {}, caller=caller)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"percent": "ten"}, {"percent": 41}, {"percent": 5, "extra": 1}, {"percent": None}],
)
def test_arguments_that_do_not_fit_the_schema_are_refused_without_their_values(arguments):
    with pytest.raises(Refused) as refused:
        check(OFFER, arguments)
    assert "41" not in str(refused.value)
    assert "ten" not in str(refused.value)


@pytest.mark.parametrize(("percent", "needs"), [(1, False), (10, False), (11, True), (40, True)])
def test_only_what_is_above_the_limit_needs_a_person(percent, needs):
    assert (policy_for(OFFER, {"percent": percent}) is POLICY) is needs


@pytest.mark.parametrize("value", [None, "5", True, [1]])
def test_a_value_that_cannot_be_compared_needs_a_person(value):
    assert policy_for(OFFER, {"percent": value}) is POLICY


def test_the_approver_reads_the_values():
    assert question(POLICY, {"percent": 25, "months": 12}) == "25 percent for 12 months"


def test_an_agent_has_only_the_tools_of_its_rule_book():
    persona = Persona(name="n", company="c")
    book = Rulebook(agent="a", persona=persona, greeting="hi", tools=(OFFER,))
    assert tool_of(book, "offer_discount") is OFFER
    with pytest.raises(Refused):
        tool_of(book, "transfer")
    with pytest.raises(Refused):
        tool_of(None, "offer_discount")


def test_a_customer_is_found_by_number_and_told_without_numbers():
    known = [{"phones": ["+15550100123"], "name": "Alex"}]
    found = KINDS["customer_lookup"].run(asked("customer_lookup", {"customers": known}))
    assert found == {"name": "Alex"}
    with pytest.raises(Refused):
        KINDS["customer_lookup"].run(asked("customer_lookup", {"customers": known}, caller="+1555"))


def test_a_transfer_needs_a_number_that_can_be_dialled():
    assert KINDS["transfer"].run(asked("transfer", {"number": "+15550100900"}))["transfer"]
    with pytest.raises(Refused):
        KINDS["transfer"].run(asked("transfer", {"number": "555 front desk"}))


def test_the_settings_of_the_demo_fit_the_schemas_of_their_kinds():
    path = Path(callfunnel.local.demo.__file__).parent / "home-internet.yaml"
    for tool in YAML(typ="safe").load(path.read_text())["tools"]:
        schema = KINDS[tool["kind"]].settings
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(tool.get("settings", {}), schema)
