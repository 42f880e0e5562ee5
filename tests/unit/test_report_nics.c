/* What list --nic prints of interfaces that report little. */
#include "../support/support.h"
#include "report/nics.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static struct nic bare = {.name = "eth9", .driver = "bare", .index = 7};
static const struct network network = {
	.nics = {.count = 1, .at = &bare},
	.knobs = {{.name = "net.core.netdev_budget", .value = {true, 300}},
		  {.name = "net.core.netdev_max_backlog"}},
	.knob_count = 2,
};

static char *printed(bool json)
{
	char *text = NULL;
	size_t size;
	struct err e = {0};
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	assert_int_equal(nics_print(out, &network, json, &e), 0);
	fclose(out);
	return text;
}

static void what_is_not_reported_is_a_dash(void **state)
{
	char *text = printed(false);
	const char *row = strstr(text, "\neth9");
	assert_non_null(row);
	assert_non_null(strstr(row, "bare"));
	assert_int_equal(strspn(strstr(row, "bare") + strlen("bare"), " -"),
			 strcspn(strstr(row, "bare") + strlen("bare"), "\n"));
	assert_non_null(strstr(text, "net.core.netdev_budget"));
	assert_null(strstr(text, "net.core.netdev_max_backlog"));
	assert_null(strstr(text, "Queues"));
	free(text);
}

static void what_is_not_reported_has_no_key(void **state)
{
	char *text = printed(true);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *nic = json_array_get(json_object_get(root, "interfaces"), 0);
	assert_string_equal(json_string_value(json_object_get(nic, "name")), "eth9");
	assert_int_equal(json_integer_value(json_object_get(nic, "index")), 7);
	assert_null(json_object_get(nic, "rings"));
	assert_null(json_object_get(nic, "qdisc"));
	json_t *knobs = json_object_get(root, "knobs");
	assert_int_equal(json_object_size(knobs), 1);
	assert_int_equal(json_integer_value(json_object_get(knobs, "net.core.netdev_budget")), 300);
	json_decref(root);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_reported_is_a_dash),
		cmocka_unit_test(what_is_not_reported_has_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
