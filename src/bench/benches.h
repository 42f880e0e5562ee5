/* benches: the benches, one file each; benches.def lists them. */
#pragma once

#include "bench/metrics.h"

#define BENCH(name) extern const struct bench bench_##name;
#include "bench/benches.def"
#undef BENCH
