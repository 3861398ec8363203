"""Pre-trade checks: every refusal of ours, with its code and its facts."""
