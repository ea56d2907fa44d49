"""What operators do: examine, back up, restore, and read the generated references."""
