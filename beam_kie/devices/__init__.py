"""What the devices that networks run on can do."""
