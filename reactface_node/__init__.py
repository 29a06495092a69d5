"""ReactFace online: generates facial reactions of a listening robot in real time."""
