"""Any robot, teleoperator or camera that LeRobot knows, as one of our arms or cameras.

`import lerobot` costs seconds and loads torch, so nothing here imports it before a device is asked for, and only
processes that own such a device ask: `teleop_studio/processes/lerobot_process.py` and `probe.py`.
"""
