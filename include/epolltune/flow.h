/* flow: one bulk TCP connection between the hosts of a lab, sampled by tcp_info until its windows
 * and buffers stop growing. The client connects; either side may send. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"
#include "epolltune/task.h"

struct flow_config {
	enum lab_host sender;
	unsigned address;  /* number of the client's address; an unused one has no cached metrics */
	uint64_t pace_Bps; /* the sender's pacing rate in bytes/s; 0: unpaced */
	int receive_buffer; /* the receiver's SO_RCVBUF, set before listen() or connect(); 0:
			       autotuning */
	int send_buffer;    /* the sender's SO_SNDBUF, likewise */
	uint64_t rtt_us;    /* of the wire */
	bool steady; /* continue until settled even when the pace is reached earlier: measures the
			path, not slow start */
	unsigned max_ms;     /* maximum duration */
	unsigned idle_bytes; /* not 0: sends this much once and measures the idle connection */
};

#define FLOW_COURSE 32
/* Measured over the last four round trips or more. */
struct flow_result {
	int error;          /* errno that ended the flow early; 0: none */
	bool settled;       /* window and buffer stopped growing */
	bool paced;         /* the pace was reached */
	uint64_t Bps;       /* acknowledged bytes per second */
	uint64_t in_flight; /* mean of the bytes sent and not acknowledged */
	uint32_t rtt_us;    /* mean of the smoothed round trip (tcpi_rtt) */
	uint32_t window;    /* largest window the receiver offered (tcpi_snd_wnd; 0 before 5.4) */
	double receiver_share; /* share of time limited by the receive window (tcpi_rwnd_limited) */
	double sender_share;   /* share of time limited by the send buffer (tcpi_sndbuf_limited) */
	uint32_t cwnd_bytes;
	uint32_t retransmits;
	uint32_t receive_buffer, send_buffer; /* largest sizes (SO_MEMINFO) */
	/* Memory charged to each socket: when idle, or the maximum. */
	uint32_t receive_held, send_held;
	/* From the start on, evenly spread: the bytes per second of the round trip before. */
	size_t course_count;
	struct flow_point {
		uint64_t us, Bps;
	} course[FLOW_COURSE];
};

struct flow {
	struct task tasks[2]; /* by enum lab_host */
	struct flow_shared *shared;
};

/* The bytes in flight, by rate and round trip: by the wire's RTT for a flow that reached its pace,
 * else by the sender's, as on a busy machine that is longer and the window the same. Where ACKs
 * come in bursts, the smoothed RTT exceeds the time that the data took: never more is in flight
 * than the receiver offered, nor, but for the error of samples, than the sender counts. Pure. */
double flow_window(const struct flow_result *r, uint64_t wire_rtt_us);

/* Starts a flow. flow_wait() returns its result, soon after max_ms at the latest. */
int flow_start(struct flow *f, struct lab *lab, const struct flow_config *config, struct err *e);
int flow_wait(struct flow *f, struct flow_result *out, struct err *e);
/* Allowed on a zeroed flow and after flow_wait(). */
void flow_stop(struct flow *f);
