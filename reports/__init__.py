"""The outputs: one versioned document, and a module for each format it is shown in."""
