"""Back-pressure on the whole running product: something is full, away or slow, and calls go on."""
