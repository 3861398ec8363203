"""Storage of bars, ticks and latest quotes: the only app of the `quotes` database.

Rows carry integer instrument ids and no foreign keys. Everything outside this package reads and
writes through `store`, `reader`, `sealing` and `latest`.
"""
