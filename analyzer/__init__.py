"""The facts: everything that is known about a model, its conversion and its accuracy.

This floor is the only one that touches the world: files, child processes, TensorFlow and the interpreters.
"""
