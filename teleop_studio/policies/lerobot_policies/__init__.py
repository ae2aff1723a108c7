"""LeRobot's own policies behind our `Policy`: their networks, losses and samplers; our trainer, checkpoints and player.

LeRobot is imported only while a policy is built: it takes ten seconds and more, which the window must never wait for.
"""
