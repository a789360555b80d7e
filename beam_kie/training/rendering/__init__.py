"""Pictures for labels that come without any."""
