"""Exact numbers from users, and the arithmetics that formulas are computed with."""
