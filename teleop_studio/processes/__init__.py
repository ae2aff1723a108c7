"""One process per duty: shared-memory rings carry data, pipes carry small messages, a supervisor owns both."""
