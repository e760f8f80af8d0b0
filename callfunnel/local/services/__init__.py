"""The programs beside the product, each from its wheel: how they are started and guarded."""
