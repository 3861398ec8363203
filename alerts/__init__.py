"""Who is told about an alert, and how: channels, subscriptions, deliveries."""
