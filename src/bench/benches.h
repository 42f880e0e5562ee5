/* benches: the benches, one file each; benches.def lists them. */
#ifndef EPOLLTUNE_BENCHES_H
#define EPOLLTUNE_BENCHES_H

#include "epolltune/bench.h"

#define BENCH(name) extern const struct bench bench_##name;
#include "bench/benches.def"
#undef BENCH

#endif
