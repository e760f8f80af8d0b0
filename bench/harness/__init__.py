"""What every bench shares: measuring, processes, cores, keeping, telling, comparing."""
