"""Pictures of what was found on a page."""
