"""Version 1 of the interface: its `.proto` files, and what `make proto` generates from them."""
