"""Rules of the house that no linter knows. Each module has `problems(...)`: one line per breach."""
