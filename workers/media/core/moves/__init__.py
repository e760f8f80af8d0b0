"""What follows from what: functions that join the parts of a call. None of them keeps state."""
