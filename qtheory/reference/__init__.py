"""Sections 1 to 3 of the theory a second time, as plain loops over fractions.

A second source for checks, and a text to read: nothing of the rest of the package is imported, no
table is compressed and no sum is closed. It is slow, and exact.
"""
