"""Live quotes of one host, from the SDK's threads outwards.

`writer` is the door: it takes what the SDK pushes and hands it to three queues that fail independently. `publisher` feeds the
live channel, `latest` the latest-quote table, `ticks` the tick rows. `spill` and `sequence` serve the last one.
"""
