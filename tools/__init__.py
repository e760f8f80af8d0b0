"""What watches over the house: the environment, the checks and the test run. Never shipped."""
