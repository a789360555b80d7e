"""Makes the model of letters with which the engine ppocr reads doubtful lines once more."""
