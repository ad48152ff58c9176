"""A recurrent model as a model of one step, whose states are inputs and outputs."""
