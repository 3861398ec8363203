"""People and what they may touch: users, roles, broker accounts, grants, API tokens."""
