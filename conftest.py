"""What pytest must not import here: Triton kernels where triton is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("triton") else ["src/biolab/kernels/*/gpu.py"]
