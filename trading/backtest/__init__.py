"""Back-tests: a strategy's plug-in over stored bars, with the exchange core's rules, and a report on what it did."""
