"""CallFunnel's kernel: what more than one process must agree on."""
