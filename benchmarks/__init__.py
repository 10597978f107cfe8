"""What is fast, against whom, and how it was measured."""
