"""The other end of a ring, in a process of its own: `python -m tests.processes.ring_child DUTY SPEC [COUNT]`.

SPEC is a pickled `RingSpec` in hex. `write`: push COUNT items, item k full of k. `look`: read the newest item and end.
`hang`: attach, say so and wait to be killed. `own`: create a ring, say its name and be killed.
"""

import os
import pickle
import signal
import sys

import numpy as np

from teleop_studio.processes.shared_ring import SharedRing


def main() -> None:
    duty = sys.argv[1]
    if duty == "own":
        print(SharedRing.create("orphan", 2, (4,), np.int64).spec.name, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    ring = SharedRing.attach(pickle.loads(bytes.fromhex(sys.argv[2])))
    match duty:
        case "write":
            for k in range(int(sys.argv[3])):
                ring.push(np.full(ring.spec.shape, k), stamp_ns=3 * k)
        case "look":
            newest = ring.latest()
            print(None if newest is None else newest[2].tolist(), flush=True)
        case "hang":
            print("attached", flush=True)
            signal.pause()


if __name__ == "__main__":
    main()
