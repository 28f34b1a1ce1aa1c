"""A calculus of orders of magnitude: monomials, cells, sums and comparisons. It knows no SGD."""
