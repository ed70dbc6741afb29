"""Values with laws and small machinery; imports nothing of ours."""
