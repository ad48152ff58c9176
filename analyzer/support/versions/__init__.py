"""Versions of the builtin operators: which runtime was the first to have one, and which runtimes accept it now."""
