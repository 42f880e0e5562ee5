/* udp_queues: the receive buffers of the UDP sockets that run here, in two looks, judged by what
 * they show. Pure. */
#pragma once

#include "epolltune/listener.h"
#include "epolltune/report.h"
#include "epolltune/subject.h"

struct udp_watch {
	/* All UDP sockets; `after` with the owners of those that udp_queue_wanted() chooses, of
	 * one look udp_queue_full(). */
	const struct listeners *before, *after;
	bool listed;                   /* `after` could be read */
	const struct subject *subject; /* NULL: none was named */
	struct report *report;
	double seconds; /* between the two; 0: there is one look */
	double stall_s; /* moment_stall_s() */
	/* By how much Udp.RcvbufErrors and Udp6.RcvbufErrors grew. A socket's drops have other
	 * causes as well. */
	int64_t errors, errors6;
	int64_t memory, memory6; /* likewise Udp.MemErrors and Udp6.MemErrors */
	/* All UDP sockets hold what the first field of net.ipv4.udp_mem allows. Linux before 5.11,
	 * 6.18 and 6.19 do not count as memory errors what they drop then. */
	bool exhausted;
};

/* Whether it has dropped datagrams, or has no room for another one. */
bool udp_queue_wanted(const struct listener *l);
/* Whether it has no room for another one, of any usual size. */
bool udp_queue_full(const struct listener *l);
/* Adds findings on sockets that drop datagrams and on full ones that nothing reads, or of one look
 * on full ones: of each kind the subject's that is worst, or else the worst of all; and on a
 * subject of UDP alone whose sockets are closed, all of them. True: one that drops is named. */
bool udp_queues_judge(const struct udp_watch *w);
