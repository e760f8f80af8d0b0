"""What one embedded stack keeps between two starts: its folder, its credentials, its ports."""
