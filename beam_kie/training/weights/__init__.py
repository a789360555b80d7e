"""Model folders made of other model folders: their mean, and their ensemble."""
