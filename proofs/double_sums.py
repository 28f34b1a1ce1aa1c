r"""Sums over pairs of indices, of any number: products of sums, diagonals, and how many pairs there are.

Main results
    ``product_of_sums``: (sum_j f_j) (sum_k g_k) = sum_j sum_k f_j g_k
    ``diagonal_sum``: sum_j sum_k [j = k] f_j = sum_j f_j
    ``pairs``: sum_b sum_c (p if b = c, else q) = n p + n (n - 1) q
    ``repeated``: sum_b p = n p

How
    Each by induction on the number of rows, and each row by induction on its length.
"""

import z3

from qtheory.proof.kernel import SEQUENCE, induction, lemma, sequence, variable
from qtheory.proof.sums import combination, f, g, i, k, linear, n, spike, spike_total, total

p, q = variable("p"), variable("q")
left, right = variable("left", SEQUENCE), variable("right", SEQUENCE)
rows = variable("rows", n.sort())
count, first = z3.ToReal(n), z3.ToReal(rows)

# --- products of sums ----------------------------------------------------------------------------

#: The entry j is f_j g_0 + ... + f_j g_(n-1).
products = sequence("row sums of products", [f, g, n], i, total(combination(f[i], g, 0, g), n))
rectangle = induction(
    rows,
    z3.Implies(n >= 0, total(products(f, g, n), rows) == total(f, rows) * total(g, n)),
    total.next(products(f, g, n), rows),
    total.next(f, rows),
    products.at(f, g, n, rows),
    linear(a=f[rows], f=g, b=0, g=g, n=n),
    base=[total.zero(products(f, g, n)), total.zero(f)],
    name="a product of sums over a rectangle",
)
product_of_sums = lemma(
    z3.Implies(n >= 0, total(left, n) * total(right, n) == total(products(left, right, n), n)),
    rectangle(f=left, g=right, rows=n),
    name="a product of sums",
)

# --- tables that vanish beside their diagonal ----------------------------------------------------

#: The entry j is the sum of row j of the table with f on its diagonal and 0 beside it.
diagonal = sequence("row sums of a diagonal", [f, n], i, total(spike(f[i], i), n))
diagonal_of_rows = induction(
    rows,
    z3.Implies(rows <= n, total(diagonal(f, n), rows) == total(f, rows)),
    total.next(diagonal(f, n), rows),
    total.next(f, rows),
    diagonal.at(f, n, rows),
    spike_total(a=f[rows], k=rows, n=n),
    base=[total.zero(diagonal(f, n)), total.zero(f)],
    name="the sum of some rows of a diagonal",
)
diagonal_sum = lemma(
    z3.Implies(n >= 0, total(diagonal(f, n), n) == total(f, n)),
    diagonal_of_rows(rows=n),
    name="the sum of a diagonal",
)

# --- pairs of samples ----------------------------------------------------------------------------

#: Row k of the table with p where two indices coincide, and q where they do not.
pair = sequence("pair", [p, q, k], i, z3.If(i == k, p, q))
row = induction(
    n,
    total(pair(p, q, k), n) == z3.If(z3.And(k >= 0, k < n), p + (count - 1) * q, count * q),
    total.next(pair(p, q, k), n),
    pair.at(p, q, k, n),
    base=[total.zero(pair(p, q, k))],
    name="a row of pairs",
)
#: The entry b is the sum of row b of that table.
pair_rows = sequence("row sums of pairs", [p, q, n], i, total(pair(p, q, i), n))
some_pairs = induction(
    rows,
    z3.Implies(rows <= n, total(pair_rows(p, q, n), rows) == first * (p + (count - 1) * q)),
    total.next(pair_rows(p, q, n), rows),
    pair_rows.at(p, q, n, rows),
    row(k=rows),
    base=[total.zero(pair_rows(p, q, n))],
    name="some rows of pairs",
)
pairs = lemma(
    z3.Implies(n >= 0, total(pair_rows(p, q, n), n) == count * p + count * (count - 1) * q),
    some_pairs(rows=n),
    name="n equal pairs and n (n - 1) different ones",
)

#: p at every index.
constant = sequence("constant", [p], i, p)
repeated = induction(
    n,
    total(constant(p), n) == count * p,
    total.next(constant(p), n),
    constant.at(p, n),
    base=[total.zero(constant(p))],
    name="a sum of equal terms",
)
