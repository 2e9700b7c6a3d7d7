"""The room of federated fits, which Flower will drive: the only one that may import flwr.

What such a fit needs stands outside already: a run's role ``federated`` in tracking's conventions, in signed manifests
and in the table of a bundle; the gate of `biolab.joint.disclosure`, which every update of a site has to pass; released
models that `site validate` judges elsewhere. Nothing is fitted here yet.
"""
