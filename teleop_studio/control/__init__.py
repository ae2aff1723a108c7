"""Moving the follower: action sources, the chunk player, the safety gate and the loop that ticks. numpy only."""
