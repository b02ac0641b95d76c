"""How the benchmarks run commands and measure them."""
