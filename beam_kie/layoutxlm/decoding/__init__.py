"""From the scores of a network to entities and relations, and their confidences."""
