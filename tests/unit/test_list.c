/* Comma-separated lists. */
#include "../support/support.h"
#include "epolltune/list.h"

#include <stdio.h>

/* Returns the items of a list as "[a][b]". */
static const char *items(const char *list)
{
	static char text[128];
	struct list_item item;
	size_t used = 0;
	text[0] = 0;
	while (list_next(&list, &item))
		used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s]", item.length,
					 item.text);
	return text;
}

static void items_are_taken_in_turn(void **state)
{
	assert_string_equal(items("a,bc,d"), "[a][bc][d]");
	assert_string_equal(items("one"), "[one]");
	assert_string_equal(items(NULL), "");
	assert_string_equal(items(""), "[]");
	assert_string_equal(items("a,"), "[a][]");
	assert_string_equal(items(",a"), "[][a]");
	assert_string_equal(items("a,,b"), "[a][][b]");
}

static void names_are_found_whole(void **state)
{
	assert_true(list_has("nic,napi", "napi"));
	assert_true(list_has("napi", "napi"));
	assert_false(list_has("nic,napi.latency", "napi"));
	assert_false(list_has("nic,nap", "napi"));
	assert_false(list_has("nic,,napi", ""));
	assert_false(list_has("", "napi"));
	assert_false(list_has(NULL, "napi"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_taken_in_turn),
		cmocka_unit_test(names_are_found_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
