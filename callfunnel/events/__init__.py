"""The bus: every message CallFunnel sends, defined once. `subjects.md` is generated from here."""
