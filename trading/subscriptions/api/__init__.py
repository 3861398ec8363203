"""REST API of subscriptions."""
