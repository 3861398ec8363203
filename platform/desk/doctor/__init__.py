"""What `manage.py doctor` looks at, and what it says a person should do."""
