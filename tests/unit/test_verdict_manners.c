/* What is said of clients that misbehave, by the kind of address. */
#include "../../probes/manners.c"
#include "../support/support.h"

static void a_unix_socket_is_not_reset(void **state)
{
	(void)state;
	const struct guest tcp = {.port = 80}, local = {.socket = "/run/app.sock"};
	assert_string_equal(burden_text(&tcp, 0), "after 1 000 clients reset their connection");
	assert_string_equal(burden_text(&local, 0), "after 1 000 clients closed their connection");
	assert_string_equal(burden_text(&local, 1), burden_text(&tcp, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unix_socket_is_not_reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
