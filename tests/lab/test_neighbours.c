/* Neighbours that the limit of the table does not count, in a network namespace of the test. */
#include "../support/support.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "epolltune/cleanup.h"
#include "epolltune/host.h"

static void neighbours_that_no_limit_counts_are_found(void **state)
{
	CLEAN(host_closep) struct host *h = NULL;
	struct err e = {0};
	uint64_t four = 0, six = 0;
	assert_int_equal(host_open(&h, "/", &e), 0);
	int refused = namespace_enter();
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
	struct output o = run(
		"ip link add v0 type veth peer name v1 && ip link set v0 up && "
		"ip neigh add 10.9.0.1 lladdr 02:00:00:00:00:01 dev v0 nud permanent && "
		"ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud stale extern_learn && "
		"ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0 nud stale && "
		"ip neigh add fe80::9 lladdr 02:00:00:00:00:09 dev v0 nud permanent");
	if (o.status)
		fail_msg("%s", o.errors);
	output_free(&o);
	assert_int_equal(host_neighbours_exempt(h, AF_INET, &four, &e), 0);
	assert_int_equal(host_neighbours_exempt(h, AF_INET6, &six, &e), 0);
	assert_int_equal(four, 2);
	assert_int_equal(six, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_that_no_limit_counts_are_found),
	};
	return cmocka_run_group_tests_name("neighbours", tests, NULL, NULL);
}
