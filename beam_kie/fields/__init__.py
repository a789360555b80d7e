"""Fields: values of documents under names of one's own, found by their keys. Neither Beam nor models."""
