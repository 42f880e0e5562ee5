/* Tables: alignment, encoding, wrapping, empty cells and indentation. */
#include "../support/support.h"

#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "report/table.h"

static char *printed(struct table *t)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(table_print(t, out, NULL), 0);
	fclose(out);
	return text;
}

static void columns_are_aligned(void **state)
{
	static const struct table_column columns[] = {
		{"NAME", TABLE_LEFT}, {"VALUE", TABLE_RIGHT}, {0}};
	struct table t = {.columns = columns, .gap = "  ", .indent = 2, .empty = "-"};
	table_row(&t);
	table_cell(&t, "%s", "long name");
	table_cell(&t, "%d", 7);
	table_row(&t);
	table_cell(&t, "%s", "x");
	table_cell(&t, "%s", "");
	CLEAN(free_pointer) char *text = printed(&t);
	assert_string_equal(text, "  NAME       VALUE\n"
				  "  long name      7\n"
				  "  x              -\n");
}

static void the_page_decides_on_ascii_and_colour(void **state)
{
	struct page plain = {.width = 80}, color = {.width = 80, .color = true};
	const struct page *pages[] = {&plain, &color};
	static const char *const expected[] = {"A\n1 -> 2\n", "A\n\033[32m1 -> 2\033[0m\n"};
	for (size_t i = 0; i < 2; i++) {
		struct table t = {.page = pages[i]};
		table_column(&t, "A", TABLE_LEFT);
		table_row(&t);
		table_cell_tone(&t, TONE_GOOD, "1 → 2");
		CLEAN(free_pointer) char *text = printed(&t);
		assert_string_equal(text, expected[i]);
	}
}

static void the_last_column_is_wrapped(void **state)
{
	static const struct table_column columns[] = {
		{"KNOB", TABLE_LEFT}, {"WHAT", TABLE_LINES}, {0}};
	struct table t = {.columns = columns, .width = 30};
	table_row(&t);
	table_cell(&t, "%s", "somaxc");
	table_cell(&t, "%s", "the longest queue that a listener may have");
	CLEAN(free_pointer) char *text = printed(&t);
	assert_string_equal(text, "KNOB   WHAT\n"
				  "somaxc the longest queue that\n"
				  "       a listener may have\n");
}

static void nothing_is_printed_without_rows(void **state)
{
	struct table t = {0};
	table_column(&t, "A", TABLE_LEFT);
	CLEAN(free_pointer) char *text = printed(&t);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(the_page_decides_on_ascii_and_colour),
		cmocka_unit_test(the_last_column_is_wrapped),
		cmocka_unit_test(nothing_is_printed_without_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
