"""The frontend that BuildKit runs: it asks the daemon for files and images, and answers with a graph's result."""
