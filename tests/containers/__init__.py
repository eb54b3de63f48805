"""Real containers: what is seen of them from the host, from inside, and from beside them."""
