"""What is seen first where no pipeline is, and the tour."""
