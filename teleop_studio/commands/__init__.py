"""One module per group of subcommands; each function takes the parsed options and returns the JSON object."""
