"""Audio on its way: what happens 50 times a second each way. Bytes in, bytes out, no core call."""
