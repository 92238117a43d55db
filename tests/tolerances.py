"""The three tolerances of the test suite, each with its reason."""

EXACT = 1e-12  # identities: the two sides are the same number but for the last bits
CLOSED_FORM = 1e-8  # closed formulas against a reference program's 15 printed digits
ITERATIVE = 1e-5  # iterative estimates: what the reference programs themselves support
