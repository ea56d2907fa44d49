"""From a resolved query to one ClickHouse statement.

Pure: no I/O. Every value is a parameter, every identifier comes from a table of this package.
"""
