"""The fast work: one folder an operation, each with a float64 reference that mirrors its equation.

Import an operation from its folder, ``from biolab.kernels.concordance import concordance``; only numpy, numba and torch
are needed, so that operations also run where nothing else is installed.
"""
