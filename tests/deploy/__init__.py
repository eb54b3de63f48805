"""What is copied or applied elsewhere: the one file, the image, the manifests."""
