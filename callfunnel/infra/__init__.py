"""One module per outside system; vendor exceptions and vendor types stop here."""
