"""Child processes: started, probed, watched, replaced, ended. What to do is decided purely."""
