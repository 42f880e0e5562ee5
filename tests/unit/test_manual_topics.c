/* epolltune-knobs(7) names every wall, knob, finding and myth of the tables, and no other. */
#include "../support/support.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "commands/topic.h"

#define MANUAL "man/epolltune-knobs.7"

/* ".It Sy NAME …" below ".Sh PLURAL" is where a name is documented. */
static size_t manual_names(const char *plural, char names[][64], size_t max)
{
	char line[1024], section[64] = "", title[64];
	size_t count = 0, i;
	for (i = 0; plural[i]; i++)
		title[i] = (char)toupper((unsigned char)plural[i]);
	title[i] = 0;
	FILE *f = fopen(MANUAL, "r");
	if (!f)
		fail_msg("no " MANUAL "; tests run in the root of the sources");
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, ".Sh %63[^\n]", section);
		if (strcmp(section, title) == 0 && count < max &&
		    sscanf(line, ".It Sy %63s", names[count]) == 1)
			count++;
	}
	fclose(f);
	return count;
}

static void kind_agrees(const struct topic_kind *kind)
{
	static char names[512][64];
	size_t count = manual_names(kind->plural, names, 512), named = 0;
	for (size_t i = 0; i < kind->count(); i++) {
		size_t found = 0;
		for (size_t n = 0; n < count; n++)
			found += strcmp(names[n], kind->name_at(i)) == 0;
		if (found != 1)
			fail_msg("%s \"%s\" stands %zu times in " MANUAL, kind->name,
				 kind->name_at(i), found);
		named++;
	}
	for (size_t n = 0; n < count && named != count; n++) {
		size_t i;
		const struct topic_kind *known = topic_find(names[n], &i);
		if (known != kind)
			fail_msg(MANUAL " has the %s \"%s\", which the table lacks", kind->name,
				 names[n]);
	}
	assert_int_equal(named, count);
}

static void test_names(void **state)
{
	(void)state;
	for (size_t k = 0; k < topic_kind_count; k++)
		if (strcmp(topic_kinds[k].name, "probe") != 0) /* in epolltune-check(1) */
			kind_agrees(&topic_kinds[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
