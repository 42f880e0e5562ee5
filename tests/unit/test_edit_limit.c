/* The limit that a configuration has for listeners, by the version of the server. */
#include "../support/support.h"

#include "catalogue/edit.h"

#define G "global\n  maxconn 9900\n"
#define D "defaults\n"
#define F(name, more) "frontend " name "\n  bind :" more "\n"
#define ALL "0.0.0.0:80"

/* Before HAProxy 2.0. */
static void an_older_version_limits_sections_by_default(void **state)
{
	static const struct {
		const char *listeners, *text;
		uint64_t value, least;
		const char *section;
		bool preset;
	} rows[] = {
		{ALL, G F("a", "80"), 2000, 2000, "frontend", true},
		{ALL, G D F("a", "80"), 2000, 2000, "frontend", true},
		{ALL, G "listen a\n  bind :80\n", 2000, 2000, "listen", true},
		{ALL, G D "  maxconn 5000\n" F("a", "80"), 5000, 5000, "defaults", false},
		{ALL, G D "  maxconn 5000\n" D F("a", "80"), 2000, 2000, "frontend", true},
		{ALL, G F("a", "80\n  maxconn 7000"), 7000, 7000, "frontend", false},
		{ALL, G F("a", "80 maxconn 50"), 50, 50, "frontend", false},
		/* Without one in section global all have as many together. */
		{ALL, F("a", "80\n  maxconn 7000"), 2000, 2000, "global", true},
		{ALL, F("a", "80\n  maxconn 70"), 70, 70, "frontend", false},
		{ALL, F("a", "80"), 2000, 2000, "global", true},
		{ALL, "global\n  maxconn 900\n" F("a", "80"), 900, 900, "global", false},
		{ALL ",0.0.0.0:81", G F("a", "80") F("b", "81"), 4000, 2000, "frontend", true},
	};
	const struct server_row *row = server_row_find("haproxy");
	const struct server_setting old = server_setting_of(
		&row->set[SERVER_CLIENTS], server_version_parse("1.8.27 2020/11/06"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct edit_limit limit;
		print_message("%zu %s\n", i, rows[i].text);
		assert_int_equal(edit_limit(&row->file, &old, rows[i].listeners, rows[i].text,
					    EDIT_NONE, &limit, NULL),
				 0);
		assert_int_equal(limit.value, rows[i].value);
		assert_int_equal(limit.least, rows[i].least);
		assert_string_equal(limit.section, rows[i].section);
		assert_int_equal(limit.preset, rows[i].preset);
		assert_true(limit.sections);
	}
	/* As newer ones print it, and where it is not known. */
	assert_int_equal(server_version_parse("%s %s - https://haproxy.org/"), 0);
	assert_int_equal(server_setting_of(&row->set[SERVER_CLIENTS], 0).narrower_preset, 0);
	assert_int_equal(server_setting_of(&row->set[SERVER_CLIENTS], SERVER_VERSION(2, 0, 0))
				 .narrower_preset,
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_version_limits_sections_by_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
