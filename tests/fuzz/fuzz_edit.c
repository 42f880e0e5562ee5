/* Feeds bytes to what reads and changes configurations and commands of servers; `make fuzz` builds
 * it with libFuzzer. The first byte chooses the server, the rest is the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/edit.h"
#include "catalogue/server_command.h"
#include "epolltune/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUE 1024

static int include_stop(const char *name, const char *section, void *arg, struct err *e)
{
	size_t *left = arg;
	if (!name || !section || strlen(section) >= SCAN_TEXT)
		abort();
	return (*left)-- ? 0 : -1;
}

/* A text that was changed once has nothing left to change. */
static void text_change(const struct edit *edit, const char *text)
{
	struct edited once = {0}, twice = {0};
	struct err e = {0};
	CLEAN(free_pointer) char *inserted = NULL;
	if (!edit_text(edit, text, "", &once, &e) && once.text) {
		if (edit_text(edit, once.text, "", &twice, &e) || twice.text)
			abort();
		if (twice.present < VALUE)
			abort();
	}
	free(once.text);
	free(twice.text);
	if (!edit_insert(edit, text, &inserted, &e) && !inserted)
		abort();
}

static void setting_try(const struct server_file *file, const struct server_setting *set,
			const char *text)
{
	struct edit_addresses addresses = {0};
	struct edit edit = {file, set, "8080", 0, &addresses};
	struct edited look = {0};
	struct edit_limit limit;
	struct err e = {0};
	size_t left = 100;
	if (!set->parameter)
		edit_limit(file, set, "0.0.0.0:80,[::]:8080", text, EDIT_NONE, &limit, &e);
	edit_includes(file, text, "", 0, include_stop, &left, &e);
	if (edit_text(&edit, text, "", &look, &e) || look.text) {
		free(look.text);
		return;
	}
	edit.value = VALUE;
	text_change(&edit, text);
}

static void command_try(const struct server_row *row, const char *text)
{
	struct server_command *c = calloc(1, sizeof(*c));
	struct err e = {0};
	const char *value;
	size_t at = 0;
	if (c && !server_command_find(text, row, c, &e)) {
		CLEAN(free_pointer) char *more = server_command_add(text, c, "-c", VALUE);
		if (c->end > strlen(text) || !c->count)
			abort();
		while (server_command_option(c, "-c", &at, &value))
			;
	}
	free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(free_pointer) char *text = size ? strndup((const char *)data + 1, size - 1) : NULL;
	const struct server_row *row = text ? server_row_at(data[0] % server_row_count()) : NULL;
	if (!text)
		return 0;
	for (int limit = 0; limit < SERVER_LIMITS; limit++)
		if (row->set[limit].directive && row->file.option) /* as guest_line_make() */
			setting_try(&row->file, &row->set[limit], text);
	command_try(row, text);
	return 0;
}
