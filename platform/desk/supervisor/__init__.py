"""The embedded supervisor behind `manage.py up`: all processes of one machine, watched."""
