/* The manual pages describe every command, option, probe and JSON key, and no option that does not
 * exist. */
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/sample_report.h"
#include "bench/metrics.h"
#include "commands/command.h"
#include "epolltune/probe.h"

static char *page_read(const char *path)
{
	FILE *in = fopen(path, "r");
	if (!in)
		fail_msg("%s is missing; tests run in the root of the sources", path);
	char *text = calloc(1, 262144);
	assert_non_null(text);
	assert_true(fread(text, 1, 262143, in) < 262143);
	fclose(in);
	return text;
}

/* The page of a command; epolltune(1) describes commands without options. */
static char *page_of(const struct command *c, char path[64])
{
	snprintf(path, 64, "man/epolltune-%s.1", c->name);
	if (access(path, R_OK) && !c->options[0].name)
		snprintf(path, 64, "man/epolltune.1");
	return page_read(path);
}

/* Return the synopsis of a page; the caller frees it. */
static char *synopsis_of(const char *page, const char *path)
{
	const char *start = strstr(page, "\n.Sh SYNOPSIS\n");
	const char *end = start ? strstr(start + 1, "\n.Sh ") : NULL;
	if (!end) {
		fail_msg("%s has no synopsis", path);
		return NULL;
	}
	return strndup(start, (size_t)(end - start) + 1);
}

/* Format "connections Ar N": an option and its argument. */
static void macro_of(const struct option_row *row, char *text, size_t size)
{
	snprintf(text, size, "Fl -%s", row->name);
	if (row->argument) {
		size_t used = strlen(text);
		size_t word = strspn(row->argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		snprintf(text + used, size - used, " Ar %.*s", (int)word, row->argument);
	}
}

/* True if a line of the page starts with the macros, then ends or continues with a blank. */
static size_t lines_with(const char *page, const char *start, const char *macros)
{
	char needle[160];
	size_t n = 0;
	snprintf(needle, sizeof(needle), "\n%s %s", start, macros);
	for (const char *at = strstr(page, needle); at; at = strstr(at + 1, needle)) {
		char next = at[strlen(needle)];
		n += next == '\n' || next == ' ';
	}
	return n;
}

static size_t count(const char *text, const char *needle)
{
	size_t n = 0;
	for (const char *at = strstr(text, needle); at; at = strstr(at + 1, needle))
		n++;
	return n;
}

static void synopses_list_every_option(void **state)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);
		char path[64], macros[96];
		char *page = page_of(c, path), *synopsis = synopsis_of(page, path);
		size_t rows = 0;
		if (!lines_with(synopsis, ".Cm", c->name))
			fail_msg("%s: no synopsis of %s", path, c->name);
		for (const struct option_row *row = c->options; row->name; row++, rows++) {
			macro_of(row, macros, sizeof(macros));
			if (lines_with(synopsis, ".Op", macros) != 1)
				fail_msg("%s: the synopsis lacks .Op %s", path, macros);
			if (lines_with(page, ".It", macros) != 1)
				fail_msg("%s does not describe .It %s", path, macros);
		}
		if (rows && count(synopsis, "\n.Op Fl -") != rows)
			fail_msg("%s: the synopsis has options that %s does not have", path,
				 c->name);
		free(page);
		free(synopsis);
	}
}

static void pages_describe_every_choice(void **state)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);
		char path[64];
		char *page = page_of(c, path);
		for (const struct option_row *row = c->options; row->name; row++) {
			char values[128], macro[160];
			if (!row->values.words)
				continue;
			snprintf(values, sizeof(values), "%s", row->values.words);
			for (char *v = strtok(values, ","); v; v = strtok(NULL, ",")) {
				snprintf(macro, sizeof(macro), ".Cm %s", v);
				if (!strstr(page, macro))
					fail_msg("%s: --%s %s is not described", path, row->name,
						 v);
			}
		}
		free(page);
	}
}

static void every_command_is_listed(void **state)
{
	char *page = page_read("man/epolltune.1");
	for (size_t i = 0; i < command_count(); i++) {
		char item[96], reference[96];
		snprintf(item, sizeof(item), "\n.It Cm %s\n", command_at(i)->name);
		if (!strstr(page, item))
			fail_msg("man/epolltune.1 does not list %s", command_at(i)->name);
		snprintf(reference, sizeof(reference), "man/epolltune-%s.1", command_at(i)->name);
		if (access(reference, R_OK))
			continue;
		snprintf(reference, sizeof(reference), ".Xr epolltune-%s 1", command_at(i)->name);
		if (!strstr(page, reference))
			fail_msg("man/epolltune.1 lacks %s", reference);
	}
	free(page);
}

static void every_probe_is_described(void **state)
{
	char *page = page_read("man/epolltune-check.1");
	for (size_t i = 0; i < probe_count(); i++)
		if (!lines_with(page, ".It Sy", probe_at(i)->name))
			fail_msg("man/epolltune-check.1 does not describe probe %s",
				 probe_at(i)->name);
	free(page);
}

static void every_bench_is_described(void **state)
{
	char *page = page_read("man/epolltune-bench.1");
	for (size_t i = 0; i < bench_count(); i++)
		if (!lines_with(page, ".It Sy", bench_at(i)->name))
			fail_msg("man/epolltune-bench.1 does not describe %s", bench_at(i)->name);
	free(page);
}

static void keys_are_told(json_t *value, const char *page)
{
	const char *key;
	json_t *member;
	size_t i;
	if (json_is_object(value)) {
		json_object_foreach(value, key, member)
		{
			char item[64];
			snprintf(item, sizeof(item), " %s", key);
			const char *at = page;
			do {
				at = strstr(at + 1, item);
			} while (at && !strchr(" \n", at[strlen(item)]));
			if (!at)
				fail_msg("man/epolltune-check.1 does not describe key %s", key);
			/* The keys of counters are the kernel's names. */
			if (strcmp(key, "counters"))
				keys_are_told(member, page);
		}
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, member) keys_are_told(member, page);
	}
}

static void every_json_key_is_described(void **state)
{
	struct report r;
	struct err e = {0};
	char *text = NULL, *page = page_read("man/epolltune-check.1");
	size_t size = 0;
	sample_short(&r);
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(render_json(out, &r, NULL, &e), 0);
	fclose(out);
	json_t *root = json_loads(text, 0, NULL);
	const char *schema = strstr(page, "\n.Sh JSON\n");
	assert_non_null(schema);
	keys_are_told(root, schema);
	json_decref(root);
	free(text);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synopses_list_every_option),
		cmocka_unit_test(pages_describe_every_choice),
		cmocka_unit_test(every_command_is_listed),
		cmocka_unit_test(every_probe_is_described),
		cmocka_unit_test(every_bench_is_described),
		cmocka_unit_test(every_json_key_is_described),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
