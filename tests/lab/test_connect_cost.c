/* What connect() costs near the end of a port range: the order of costs, never a cost. */
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>

#include "epolltune/connect_cost.h"
#include "epolltune/host.h"

#define RANGE "proc/sys/net/ipv4/ip_local_port_range"
#define LOW 30000

static int range_set(struct host *h, void *arg, struct err *e)
{
	const uint16_t *ports = arg;
	char text[32];
	snprintf(text, sizeof(text), "%d %d", LOW, LOW + *ports - 1);
	return host_write(h, RANGE, text, e);
}

static struct connect_cost measured(struct lab *lab, uint16_t ports)
{
	static uint16_t to = 80; /* a new destination: nothing is in use to it */
	struct connect_cost c;
	struct err e = {0};
	uint16_t *arg = lab_alloc(lab, sizeof(*arg), &e);
	assert_non_null(arg);
	*arg = ports;
	if (lab_call(lab, LAB_CLIENT, range_set, arg, &e))
		fail_msg("%s", e.text);
	int rc = connect_cost_run(lab, to++, ports, &c, &e);
	if (rc == -EMFILE)
		skip_because("%s", e.text);
	if (rc)
		fail_msg("%s", e.text);
	return c;
}

/* The part of the cost that is the search for a port, from half of the range on. */
static double search_ns(const struct connect_cost *c)
{
	double least = (double)c->ns[1];
	for (size_t i = 2; i < CONNECT_COST_LEVELS; i++)
		least = (double)c->ns[i] < least ? (double)c->ns[i] : least;
	return least - (double)c->ns[0];
}

static void from_half_of_a_range_on_connect_searches_the_other_half(void **state)
{
	struct err e = {0};
	struct host *host = NULL;
	struct lab *lab = NULL;
	const struct lab_options options = {0};
	assert_int_equal(host_open(&host, "/", &e), 0);
	int rc = lab_open(&lab, &options, host, &e);
	host_close(host);
	if (rc)
		skip_because("%s", e.text);
	struct connect_cost small, large;
	bool in_order;
	do {
		small = measured(lab, 256);
		large = measured(lab, 2048);
		/* Eight times the ports, within a factor of two; more than half of the whole cost.
		 */
		in_order = search_ns(&large) > (double)large.ns[0] &&
			   search_ns(&large) > 4 * search_ns(&small) &&
			   search_ns(&large) < 16 * search_ns(&small);
	} while (!in_order && may_try_again());
	lab_close(lab);
	if (!in_order)
		fail_msg("256 ports: %g ns more than %g, 2 048 ports: %g ns more than %g",
			 search_ns(&small), (double)small.ns[0], search_ns(&large),
			 (double)large.ns[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_half_of_a_range_on_connect_searches_the_other_half),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
