"""What happens: intake and watch around the pure rules."""
