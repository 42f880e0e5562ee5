/* The catalogue: its names are distinct, and those that it refers to exist. */
#include "../support/support.h"

#include <stdio.h>
#include <string.h>

#include "commands/command.h"
#include "epolltune/catalogue.h"
#include "epolltune/knob.h"
#include "topics/topic.h"

/* All walls that a knob names exist, and only a probe and its wall share a name. */
static void the_tables_agree(void **state)
{
	size_t place;
	for (size_t i = 0; i < knob_count(); i++) {
		char walls[256], *at = NULL;
		snprintf(walls, sizeof(walls), "%s", knob_at(i)->walls);
		for (char *w = strtok_r(walls, ",", &at); w; w = strtok_r(NULL, ",", &at)) {
			const struct topic_kind *kind = topic_find(w, &place);
			if (!kind || strcmp(kind->name, "wall") != 0)
				fail_msg("%s names \"%s\", which is not a wall", knob_at(i)->name,
					 w);
		}
	}
	for (size_t k = 0; k < topic_kind_count; k++)
		for (size_t i = 0; i < topic_kinds[k].count(); i++) {
			const char *name = topic_kinds[k].name_at(i);
			const struct topic_kind *kind = topic_find(name, &place);
			if (kind != &topic_kinds[k] && strcmp(topic_kinds[k].name, "probe") != 0)
				fail_msg("%s \"%s\" is hidden by a %s", topic_kinds[k].name, name,
					 kind->name);
			if (kind == &topic_kinds[k] && place != i)
				fail_msg("%s \"%s\" has two rows", topic_kinds[k].name, name);
			assert_true(strlen(name) < VALUE_SIZE);
		}
}

/* A directive that bounds the clients of a known server is a wall of its own. */
static void a_limit_on_clients_names_its_wall(void **state)
{
	size_t found = 0;
	for (size_t i = 0; i < server_row_count(); i++) {
		const struct server_setting *set = &server_row_at(i)->set[SERVER_CLIENTS];
		const char *name = set->directive ? set->directive : set->unread;
		for (size_t k = 0; name && k < directive_row_count(); k++) {
			const struct clue_row *row = directive_row_at(k);
			if (strcmp(row->name, name) != 0)
				continue;
			found++;
			if (!strstr(row->walls, "application.limit") ||
			    !strstr(row->walls, "application.connections"))
				fail_msg("%s: \"%s\"", name, row->walls);
		}
	}
	assert_true(found >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_agree),
		cmocka_unit_test(a_limit_on_clients_names_its_wall),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
