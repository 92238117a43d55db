"""Statistics: arrays to estimates. Private kernels see arrays; public functions give values."""
