"""What images of Functions are made of, and who makes them."""
