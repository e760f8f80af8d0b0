"""The media plane: the live call and nothing else."""
