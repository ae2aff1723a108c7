"""Training on another machine with nothing but ssh and rsync: hosts, what they need, what goes there and comes back."""
