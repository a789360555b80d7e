"""What is chosen on a form: values that stand beside boxes and rings to tick, each option by itself."""
