"""How the bundled model is made, and how a user trains one on labels of their own."""
