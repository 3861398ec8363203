"""The checks of the configurable limits, by what they look at: prices, sizes, pace, lists."""
