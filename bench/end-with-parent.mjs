// Loaded before a program of the benchmark: standard input is a pipe from whoever started it, and its end is the end of that process.
process.stdin.on('end', () => process.exit()).resume();
process.stdin.unref?.();
