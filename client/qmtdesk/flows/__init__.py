"""The platform's calls as flows: see `qmtdesk.steps`."""
