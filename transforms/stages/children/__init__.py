"""Pages are decoded and read in child processes under budgets of time and memory, which can be ended."""
