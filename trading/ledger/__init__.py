"""What an account holds and what is promised of it: asset, positions, reservations, versioned events."""
