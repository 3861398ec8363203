"""Orders and fills: acceptance, the state machine, and what the broker says about them."""
