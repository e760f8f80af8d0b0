"""The data plane: everything about a call that is kept, made safe before it is kept."""
