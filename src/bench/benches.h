/* benches: the benches, one file each; bench.c lists them. */
#ifndef EPOLLTUNE_BENCHES_H
#define EPOLLTUNE_BENCHES_H

#include "epolltune/bench.h"

extern const struct bench bench_connect, bench_request, bench_hold, bench_wait, bench_control,
	bench_semantics;

#endif
