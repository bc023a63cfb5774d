"""How fast it is: each figure beside the floor that the machine sets, measured in the same run."""
