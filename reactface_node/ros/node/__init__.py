"""The node's logic, the same under every transport."""
