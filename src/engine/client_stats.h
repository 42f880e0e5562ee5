/* client_stats: what one process of the client counts, in shared memory. */
#pragma once

#include "engine/counter.h"
#include "epolltune/client.h"

/* Counters that only the worker writes: see struct client_sum. */
struct client_stats {
	_Alignas(64) counter opened;
	counter attempted;
	counter held;
	counter failed;
	counter starved;
	_Atomic int first_errno;
	_Atomic int first_starved;
	counter ended;
	counter reopened;
	counter errors;
	counter last_opened_ns;
	counter private_bytes;
	/* Of the last order. */
	counter done;
	counter timely; /* of these, before its end */
	counter missed;
	counter lost_ns; /* from its start; 0: not lost */
	counter elapsed_ns;
	counter cpu_ns;
	struct histogram latency;
	counter statuses[CLIENT_STATUSES];
	_Atomic bool answered; /* `answer` is complete */
	char answer[CLIENT_ANSWER];
};
