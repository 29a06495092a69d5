"""ReactFace online: a face that listens."""
