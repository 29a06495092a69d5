"""What looks at a machine or a recording: the benchmark and the inspection."""
