/* Throughput and accuracy of the delay wire, for `make bench`: steady bulk at several RTTs, and how
 * late packets are delivered in the same run. Medians of interleaved rounds beside their targets.
 * Not a test. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "epolltune/flow.h"
#include "epolltune/lab.h"
#include "epolltune/wire.h"

#define ROUNDS 5
#define WIDE "4096 131072 268435456"

/* The sender paces (SO_MAX_PACING_RATE); the wire has no bandwidth limit. */
static struct figure {
	const char *name;
	uint64_t rtt_us, pace_Bps;
	double min_MBps, max_us; /* targets; 0: none */
	unsigned both;           /* rounds that met both targets */
	double MBps[ROUNDS], late_us[ROUNDS], late99_us[ROUNDS];
} figures[] = {
	{.name = "paced to 1000 MB/s, 20 ms",
	 .rtt_us = 20000,
	 .pace_Bps = 1000000000,
	 .min_MBps = 900,
	 .max_us = 200},
	{.name = "paced to 900 MB/s, 20 ms",
	 .rtt_us = 20000,
	 .pace_Bps = 900000000,
	 .min_MBps = 855,
	 .max_us = 200},
	{.name = "paced to 100 MB/s, 20 ms",
	 .rtt_us = 20000,
	 .pace_Bps = 100000000,
	 .min_MBps = 95,
	 .max_us = 200},
	{.name = "paced to 1 MB/s, 40 ms",
	 .rtt_us = 40000,
	 .pace_Bps = 1000000,
	 .min_MBps = 0.95,
	 .max_us = 200},
	{.name = "unlimited, 1 ms", .rtt_us = 1000},
	{.name = "unlimited, 20 ms", .rtt_us = 20000, .min_MBps = 900},
	{.name = "unlimited, 100 ms", .rtt_us = 100000},
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
				     .steady = true,
				     .max_ms = (unsigned)(f->rtt_us / 1000 * 15 + 700)};
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
		f->late_us[round] =
			(double)histogram_quantile(&lab_wire_look(lab)->error, 0.5) / 1e3;
		f->late99_us[round] =
			(double)histogram_quantile(&lab_wire_look(lab)->error, 0.99) / 1e3;
		f->both += f->MBps[round] >= f->min_MBps &&
			   (f->max_us == 0 || f->late_us[round] <= f->max_us);
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

static void figure_print(struct figure *f)
{
	char min[16] = "-", max[16] = "-", both[16] = "-";
	if (f->min_MBps > 0) {
		snprintf(min, sizeof(min), ">= %.3g", f->min_MBps);
		snprintf(both, sizeof(both), "%u of %u", f->both, ROUNDS);
	}
	if (f->max_us > 0)
		snprintf(max, sizeof(max), "<= %.0f", f->max_us);
	printf("%-27s %6.4g %8s %12.0f %8s %12.0f %8s\n", f->name, median(f->MBps), min,
	       median(f->late_us), max, median(f->late99_us), both);
}

int main(void)
{
	struct err e = {0};
	struct host *h = NULL;
	double load = 0;
	getloadavg(&load, 1);
	int rc = host_open(&h, "/", &e);
	for (unsigned round = 0; round < ROUNDS && !rc; round++)
		for (size_t i = 0; i < FIGURES && !rc; i++)
			rc = figure_take(&figures[i], round, h, &e);
	host_close(h);
	if (rc) {
		fprintf(stderr, "bench_wire: %s\n", e.text);
		return 1;
	}
	printf("delay wire, medians of %d runs; load average before them %.2f%s\n", ROUNDS, load,
	       sched_getscheduler(0) == SCHED_FIFO ? "; real-time priority (chrt)" : "");
	printf("%-27s %6s %8s %12s %8s %12s %8s\n", "", "MB/s", "target", "late p50 us", "target",
	       "late p99 us", "met both");
	for (size_t i = 0; i < FIGURES; i++)
		figure_print(&figures[i]);
	return 0;
}
