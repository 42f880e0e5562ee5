/* benches: the benches, one file each; benches.def lists them. */
#pragma once

#include "epolltune/bench.h"

#define BENCH(name) extern const struct bench bench_##name;
#include "bench/benches.def"
#undef BENCH
