"""What a policy's samples say about it: modes, spread, consistency. numpy only, and never an object's true pose."""
