"""Subscribing new issues (新股申购): by hand, all of a day at once, and every trade date for accounts that opted in."""
