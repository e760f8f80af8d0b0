"""The model lines there are, by the names a setting or an option gives them."""

from enum import StrEnum


class Model(StrEnum):
    """Who talks: the demo's own small agent, or a bought model."""

    DEMO = "demo"
    OPENAI = "openai"

    @property
    def key_variable(self) -> str:
        """The variable that must hold its key; empty when it needs none."""
        return "OPENAI_API_KEY" if self is Model.OPENAI else ""


MODEL_NAMES = " or ".join(Model)
"""For whoever named another one."""


def is_model(name: str) -> bool:
    """Whether there is such a model line."""
    return name in set(Model)
