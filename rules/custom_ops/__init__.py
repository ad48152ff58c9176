"""Rules on custom and Flex operators."""
