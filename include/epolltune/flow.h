/* flow: one bulk TCP connection between the hosts of a lab, measured from inside until what its
 * buffers and its windows allow has settled. The client connects, either side may send. */
#ifndef EPOLLTUNE_FLOW_H
#define EPOLLTUNE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/lab.h"

struct flow_config {
	enum lab_host sender;
	unsigned address; /* of the client: a fresh one has no metrics from an earlier connection */
	uint64_t pace_Bps;  /* bytes a second that the sender paces itself to; 0: none */
	int receive_buffer; /* SO_RCVBUF of the receiver, before listen() or connect(); 0:
			       autotuning */
	int send_buffer;    /* SO_SNDBUF of the sender, likewise */
	uint64_t rtt_us;    /* of the wire */
	bool steady; /* goes on until it has settled, also when it has reached the pace on its way
			up: the throughput is that of the path, not of slow start */
	unsigned most_ms;    /* ends then, settled or not */
	unsigned rest_bytes; /* not 0: sends that much, once, and is measured at rest */
};

/* What the connection did over the time looked at: its last four round trips or more. */
struct flow_result {
	int error;             /* errno of what ended it early; 0: none */
	bool settled;          /* neither window nor buffer grew any more */
	bool paced;            /* the pace was reached */
	uint64_t Bps;          /* bytes acknowledged a second */
	uint32_t rtt_us;       /* mean of the smoothed round trip (tcpi_rtt) */
	uint32_t window;       /* largest that the receiver offered (tcpi_snd_wnd; 0 before 5.4) */
	double receiver_share; /* of the time, waited for the receiver's window (tcpi_rwnd_limited)
				*/
	double sender_share;   /* likewise for its own buffer (tcpi_sndbuf_limited) */
	uint32_t cwnd_bytes;
	uint32_t retransmits;
	uint32_t receive_buffer, send_buffer; /* what they had grown to (SO_MEMINFO) */
	/* Memory charged to the receiving and the sending socket: at rest, or the most seen. */
	uint32_t receive_held, send_held;
};

struct flow {
	int channels[2]; /* by enum lab_host; -1: not running */
	struct flow_task *task;
};

/* Starts a flow; the result is there after flow_wait(), which is bounded by most_ms and some. */
int flow_start(struct flow *f, struct lab *lab, const struct flow_config *config, struct err *e);
int flow_wait(struct flow *f, struct flow_result *out, struct err *e);
/* Safe on a flow that was never started (zeroed) or has been waited for. */
void flow_stop(struct flow *f);

#endif
