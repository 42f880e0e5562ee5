/* explain and list: every name of the tables is explained, as text within 80 columns and as JSON.
 */
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/topic.h"
#include "epolltune/catalogue.h"
#include "epolltune/knob.h"

static void lines_fit(const char *text, size_t width)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (strcspn(line, "\n") > width)
			fail_msg("wider than %zu: %.*s", width, (int)strcspn(line, "\n"), line);
}

static void text_is_ascii(const char *text)
{
	for (const char *at = text; *at; at++)
		if ((*at < ' ' && *at != '\n') || *at > '~')
			fail_msg("not ASCII: %.60s", at);
}

static json_t *json_of(struct output *o)
{
	json_error_t e;
	json_t *j = json_loads(o->out, 0, &e);
	if (!j)
		fail_msg("%s", e.text);
	return j;
}

static const char *string_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The arguments that explain all names in one process, which is faster. */
static char *all_names(const char *plural)
{
	static char names[8000];
	size_t used = 0;
	for (size_t k = 0; k < topic_kind_count; k++)
		for (size_t i = 0; i < topic_kinds[k].count(); i++)
			if (!plural || strcmp(plural, topic_kinds[k].plural) == 0)
				used += (size_t)snprintf(names + used, sizeof(names) - used,
							 " '%s'", topic_kinds[k].name_at(i));
	assert_true(used < sizeof(names));
	return names;
}

static void every_name_is_explained(void **state)
{
	(void)state;
	struct output o = run("COLUMNS=80 $PROGRAM explain %s", all_names(NULL));
	assert_int_equal(o.status, 0);
	assert_string_equal(o.errors, "");
	lines_fit(o.out, 80);
	text_is_ascii(o.out);
	output_free(&o);

	o = run("$PROGRAM explain --format json %s", all_names("knobs"));
	assert_int_equal(o.status, 0);
	json_t *j = json_of(&o), *topics = json_object_get(j, "topics");
	assert_string_equal(string_of(j, "schema"), "epolltune.explain/1");
	assert_int_equal(json_array_size(topics), knob_count());
	for (size_t i = 0; i < knob_count(); i++)
		assert_string_equal(string_of(json_array_get(topics, i), "name"), knob_at(i)->name);
	json_decref(j);
	output_free(&o);
}

static void a_knob_is_described_completely(void **state)
{
	(void)state;
	struct output o = run("$PROGRAM explain net/core/somaxconn");
	assert_int_equal(o.status, 0);
	static const char *const expected[] = {
		"net.core.somaxconn (knob)",
		"0 to 2147483647 connections",
		"each network namespace",
		"at the next listen()",
		"raising costs",
		"TcpExt.ListenOverflows",
		"accept-queue, syn-queue",
		"net/socket.c",
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (!strstr(o.out, expected[i]))
			fail_msg("\"%s\" is missing in:\n%s", expected[i], o.out);
	output_free(&o);
}

static void errors_name_the_argument(void **state)
{
	(void)state;
	static const struct {
		const char *arguments, *error;
	} rows[] = {
		{"explain somaxcon", "unknown name \"somaxcon\"; did you mean net.core.somaxconn?"},
		{"explain accept-queue.shrt", "did you mean accept-queue.short?"},
		{"explain zzzzzzzzzzzz", "unknown name \"zzzzzzzzzzzz\"; epolltune list"},
		{"explain ''", "unknown name \"\""},
		{"explain net.core.somaxconn nosuch", "unknown name \"nosuch\""},
		{"explain", "missing NAME"},
		{"explain --format xml net.core.somaxconn", "--format"},
		{"list knob", "not one of walls, probes"},
		{"list knobs walls", "unexpected argument \"walls\""},
		{"list --nic knobs", "unexpected argument \"knobs\""},
		{"list --sysroot /nonexistent", "/nonexistent"},
		{"explain --sysroot /etc/passwd net.core.somaxconn", "/etc/passwd"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct output o = run("$PROGRAM %s", rows[i].arguments);
		if (o.status != 3 || !strstr(o.errors, rows[i].error) || o.out[0] ||
		    strchr(o.errors, '\n') != o.errors + strlen(o.errors) - 1)
			fail_msg("%s: status %d, output \"%s\", error \"%s\"", rows[i].arguments,
				 o.status, o.out, o.errors);
		output_free(&o);
	}
}

static void every_kind_is_listed(void **state)
{
	(void)state;
	struct output o = run("COLUMNS=80 $PROGRAM list");
	assert_int_equal(o.status, 0);
	lines_fit(o.out, 80);
	for (size_t i = 0; i < knob_count(); i++)
		assert_non_null(strstr(o.out, knob_at(i)->name));
	for (size_t i = 0; i < wall_row_count(); i++)
		assert_non_null(strstr(o.out, wall_row_at(i)->name));
	assert_null(strstr(o.out, "MYTH"));
	output_free(&o);

	o = run("COLUMNS=80 $PROGRAM list findings && COLUMNS=80 $PROGRAM list myths");
	assert_int_equal(o.status, 0);
	lines_fit(o.out, 80);
	for (size_t i = 0; i < finding_row_count(); i++)
		assert_non_null(strstr(o.out, finding_row_at(i)->id));
	output_free(&o);
}

static void make_file(const char *root, const char *path, const char *text)
{
	char name[512];
	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (char *at = name + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(name, 0755);
		*at = '/';
	}
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static json_t *value_of(json_t *list, const char *name)
{
	size_t i;
	json_t *knob;
	json_array_foreach(json_object_get(list, "knobs"), i, knob)
	{
		if (strcmp(string_of(knob, "name"), name) == 0)
			return json_object_get(knob, "value");
	}
	fail_msg("no %s in the list", name);
	return NULL;
}

/* list reads the values of a captured machine; missing or damaged ones are null. */
static void a_captured_machine_has_its_own_values(void **state)
{
	(void)state;
	char root[] = "/tmp/epolltune-topics-XXXXXX";
	assert_non_null(mkdtemp(root));
	make_file(root, "proc/sys/net/core/somaxconn", "77\n");
	make_file(root, "proc/sys/net/ipv4/tcp_rmem", "1\t2\t3\n");
	make_file(root, "proc/sys/net/ipv4/tcp_wmem", "garbage\n");
	struct output o = run("$PROGRAM list knobs --format json --sysroot %s", root);
	struct output removed = run("rm -r %s", root);
	output_free(&removed);
	assert_int_equal(o.status, 0);
	json_t *j = json_of(&o);
	assert_string_equal(string_of(j, "schema"), "epolltune.list/1");
	assert_null(json_object_get(j, "walls"));
	assert_string_equal(json_string_value(value_of(j, "net.core.somaxconn")), "77");
	assert_string_equal(json_string_value(value_of(j, "net.ipv4.tcp_rmem")), "1 2 3");
	assert_true(json_is_null(value_of(j, "net.ipv4.tcp_wmem")));
	assert_true(json_is_null(value_of(j, "fs.file-max")));
	assert_true(json_is_null(value_of(j, "RLIMIT_NOFILE")));
	json_decref(j);
	output_free(&o);
}

/* All findings about a machine where everything is short have a row in the catalogue. */
static void every_finding_of_a_check_is_explained(void **state)
{
	(void)state;
	char root[] = "/tmp/epolltune-topics-XXXXXX";
	assert_non_null(mkdtemp(root));
	make_file(root, "proc/sys/net/core/somaxconn", "37\n");
	make_file(root, "proc/sys/net/ipv4/tcp_abort_on_overflow", "1\n");
	make_file(root, "proc/sys/fs/file-nr", "190\t0\t200\n");
	make_file(root, "proc/sys/fs/epoll/max_user_watches", "10\n");
	make_file(root, "proc/self/limits",
		  "Max open files            333       333       files\n");
	make_file(root, "proc/meminfo", "MemTotal: 2048 kB\nMemAvailable: 1024 kB\n");
	struct output o = run("$PROGRAM check --format json --sysroot %s", root);
	struct output removed = run("rm -r %s", root);
	output_free(&removed);
	assert_int_equal(o.status, 2);
	json_t *j = json_of(&o), *finding;
	size_t i, place;
	json_array_foreach(json_object_get(j, "findings"), i, finding)
	{
		const struct topic_kind *kind = topic_find(string_of(finding, "id"), &place);
		if (!kind || strcmp(kind->name, "finding") != 0)
			fail_msg("%s has no row", string_of(finding, "id"));
	}
	assert_true(i >= 4);
	json_decref(j);
	output_free(&o);
}

/* Whether `id` is "<wall or probe>.<words>". */
static bool looks_like_finding(const char *id)
{
	size_t place;
	char owner[64];
	const char *dot = strrchr(id, '.');
	snprintf(owner, sizeof(owner), "%.*s", dot ? (int)(dot - id) : 0, id);
	const struct topic_kind *kind = topic_find(owner, &place);
	return kind && (strcmp(kind->name, "wall") == 0 || strcmp(kind->name, "probe") == 0);
}

/* All finding ids in the sources of the probes have a row, also those that no test produces. */
static void every_finding_of_the_sources_is_explained(void **state)
{
	(void)state;
	struct output o = run("grep -hoE '\"[a-z-]+(\\.[a-z-]+)+\"' probes/*.c src/commands/*.c");
	assert_int_equal(o.status, 0);
	char *at = NULL;
	size_t place, count = 0;
	for (char *id = strtok_r(o.out, "\"\n", &at); id; id = strtok_r(NULL, "\"\n", &at)) {
		if (!looks_like_finding(id))
			continue;
		const struct topic_kind *kind = topic_find(id, &place);
		if (!kind ||
		    (strcmp(kind->name, "finding") != 0 && strcmp(kind->name, "wall") != 0))
			fail_msg("%s has no row in src/catalogue/findings.c", id);
		count++;
	}
	assert_true(count > 4);
	output_free(&o);
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip_because("no /dev/full");
	static const char *const commands[] = {"list", "list --format json",
					       "explain --format json net.core.somaxconn"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct output o = run("$PROGRAM %s >/dev/full", commands[i]);
		assert_int_equal(o.status, 3);
		assert_non_null(strstr(o.errors, "standard output"));
		assert_ptr_equal(strchr(o.errors, '\n'), o.errors + strlen(o.errors) - 1);
		output_free(&o);
	}
}

/* All walls that a knob names exist, and only a probe and its wall share a name. */
static void the_tables_agree(void **state)
{
	(void)state;
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
			assert_true(strlen(name) < 48);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_explained),
		cmocka_unit_test(a_knob_is_described_completely),
		cmocka_unit_test(errors_name_the_argument),
		cmocka_unit_test(every_kind_is_listed),
		cmocka_unit_test(a_captured_machine_has_its_own_values),
		cmocka_unit_test(every_finding_of_a_check_is_explained),
		cmocka_unit_test(every_finding_of_the_sources_is_explained),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(the_tables_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
