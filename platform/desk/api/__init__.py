"""API of the platform itself: the audit trail and the configuration in force."""
