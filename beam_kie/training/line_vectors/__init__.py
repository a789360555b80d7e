"""What two text encoders know of short texts, as vectors that a network learns to give its lines."""
