/* What the delay wire carries and how exact it is, for `make bench`: bulk over several round trips,
 * and how late packets are delivered with the wire full and nearly idle. Medians of interleaved
 * rounds. Never a test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/flow.h"
#include "epolltune/lab.h"
#include "epolltune/wire.h"

#define ROUNDS 5
#define WIDE "4096 131072 268435456"

struct figure {
	const char *name;
	uint64_t rtt_us, pace_Bps;
	double MBps[ROUNDS], late_us[ROUNDS], late99_us[ROUNDS];
};

static struct figure figures[] = {
	{.name = "full, 1 ms", .rtt_us = 1000},
	{.name = "full, 20 ms", .rtt_us = 20000},
	{.name = "paced to 900 MB/s, 20 ms", .rtt_us = 20000, .pace_Bps = 900000000},
	{.name = "paced to 100 MB/s, 20 ms", .rtt_us = 20000, .pace_Bps = 100000000},
	{.name = "paced to 1 MB/s, 40 ms", .rtt_us = 40000, .pace_Bps = 1000000},
	{.name = "full, 100 ms", .rtt_us = 100000},
};
#define FIGURES (sizeof(figures) / sizeof(*figures))

static int knobs_widen(struct lab *lab, struct err *e)
{
	int rc = 0;
	for (enum lab_host host = LAB_SERVER; host <= LAB_CLIENT && !rc; host++) {
		rc = lab_knob_set(lab, host, "net.ipv4.tcp_rmem", WIDE, e);
		if (!rc)
			rc = lab_knob_set(lab, host, "net.ipv4.tcp_wmem", WIDE, e);
	}
	return rc;
}

static int figure_take(struct figure *f, unsigned round, const struct host *h, struct err *e)
{
	struct lab_options options = {.wire = LAB_WIRE_DELAY, .rtt_us = f->rtt_us};
	struct flow_config config = {.sender = LAB_CLIENT,
				     .pace_Bps = f->pace_Bps,
				     .rtt_us = f->rtt_us,
				     .most_ms = (unsigned)(f->rtt_us / 1000 * 15 + 700)};
	struct flow flow = {0};
	struct flow_result result = {0};
	struct lab *lab = NULL;
	int rc = lab_open(&lab, &options, h, e);
	if (!rc)
		rc = knobs_widen(lab, e);
	if (!rc)
		rc = flow_start(&flow, lab, &config, e);
	if (!rc)
		rc = flow_wait(&flow, &result, e);
	if (!rc) {
		f->MBps[round] = (double)result.Bps / 1e6;
		f->late_us[round] = (double)histogram_quantile(&lab_wire(lab)->error, 0.5) / 1e3;
		f->late99_us[round] = (double)histogram_quantile(&lab_wire(lab)->error, 0.99) / 1e3;
	}
	lab_close(lab);
	return rc;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), ascending);
	return values[ROUNDS / 2];
}

int main(void)
{
	struct err e = {0};
	struct host *h = NULL;
	int rc = host_open(&h, "/", &e);
	for (unsigned round = 0; round < ROUNDS && !rc; round++)
		for (size_t i = 0; i < FIGURES && !rc; i++)
			rc = figure_take(&figures[i], round, h, &e);
	host_close(h);
	if (rc) {
		fprintf(stderr, "bench_wire: %s\n", e.text);
		return 1;
	}
	printf("%-26s %12s %14s %14s\n", "delay wire", "MB/s", "late p50 us", "late p99 us");
	for (size_t i = 0; i < FIGURES; i++)
		printf("%-26s %12.0f %14.0f %14.0f\n", figures[i].name, median(figures[i].MBps),
		       median(figures[i].late_us), median(figures[i].late99_us));
	return 0;
}
