/* --observe over a wire with a known round trip: the connections, the rate and the RTT of clients
 * that come from far away. */
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>

#include "check/observe.h"
#include "epolltune/client.h"
#include "epolltune/lab.h"
#include "epolltune/server.h"
#include "epolltune/task.h"

#define HELD 200
#define RATE 100
#define RTT_US 100000
#define OBSERVE_US 4000000

/* In the server's namespace; in the lab's memory. */
struct observing {
	struct report_observed seen;
	bool done;
};

static int observing_run(struct task_port *port, void *arg)
{
	struct observing *o = arg;
	const struct check_options options = {.observe_us = OBSERVE_US};
	struct check_subject s = {.subject.name = "server"};
	int rc = host_open(&s.host, "/", &port->e);
	if (!rc)
		rc = listeners_read_tcp(s.host, &s.subject.listeners, &port->e);
	if (!rc)
		rc = task_answer(port, 0, NULL, NULL, 0) ? 0 : -EPIPE;
	if (!rc)
		rc = observe_server(&options, &s, &o->seen, &port->e);
	listeners_free(&s.subject.listeners);
	host_close(s.host);
	o->done = !rc;
	return rc;
}

static void clients_far_away_are_observed(void **state)
{
	struct err e = {0};
	struct host *host = NULL;
	struct lab *lab = NULL;
	static struct server server;
	static struct client stay, come;
	struct task task = {0};
	const struct lab_options options = {
		.wire = LAB_WIRE_DELAY, .rtt_us = RTT_US, .bandwidth_bps = 1000000000};
	assert_int_equal(host_open(&host, "/", &e), 0);
	if (lab_open(&lab, &options, host, &e)) {
		host_close(host);
		skip_because("%s", e.text);
	}
	const struct task_context at_server = {lab, LAB_SERVER}, at_client = {lab, LAB_CLIENT};
	const struct server_config serve = {.address = lab_address(lab, LAB_SERVER, 0),
					    .backlog = 4096};
	if (server_start(&server, &at_server, &serve, &e))
		fail_msg("%s", e.text);
	const struct client_config to = {.to = server.address, .connections = HELD};
	struct observing *o = lab_alloc(lab, sizeof(*o), &e);
	assert_non_null(o);
	if (client_start(&stay, &at_client, &to, &e) || client_start(&come, &at_client, &to, &e) ||
	    client_open(&stay, HELD, HELD, WITHIN_MS, &e) || client_await(&stay, HELD, WITHIN_MS))
		fail_msg("%s", e.text);
	if (task_start(&task, &at_server, observing_run, o, &e) ||
	    task_await(&task, NULL, 0, WITHIN_MS, &e))
		fail_msg("%s", e.text);
	const struct client_order churn = {.verb = CLIENT_CHURN,
					   .duration_us = OBSERVE_US + 1000000,
					   .active = HELD,
					   .rate_per_s = RATE,
					   .depth = 1,
					   .size = 64};
	if (client_order(&come, &churn, NULL, NULL, &e))
		fail_msg("%s", e.text);
	WAIT_UNTIL(__atomic_load_n(&o->done, __ATOMIC_ACQUIRE));
	const struct report_observed seen = o->seen;
	client_stop(&come);
	client_stop(&stay);
	task_end(&task);
	server_stop(&server);
	lab_close(lab);
	host_close(host);
	print_message("connections %llu, %llu/s, RTT %llu us\n",
		      (unsigned long long)seen.connections, (unsigned long long)seen.rate_per_s,
		      (unsigned long long)seen.rtt_us.p50);
	/* Each of the others lives for some round trips. A busy machine delays packets and clients.
	 */
	assert_in_range(seen.connections, HELD, 2 * HELD);
	assert_in_range(seen.rate_per_s, RATE / 2, RATE * 2);
	assert_in_range(seen.rtt_us.p50, RTT_US, RTT_US * 4);
	assert_true(seen.sampled > HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_far_away_are_observed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
