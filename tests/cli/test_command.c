/* The command line: help and options. */
#include "../support/support.h"
#include "commands/command.h"
#include "epolltune/client.h"
#include "epolltune/list.h"
#include "epolltune/server.h"
#include "epolltune/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_narrow(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t columns = 0;
		for (size_t i = 0; i < length; i++)
			columns += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (columns > 80)
			fail_msg("wider than 80: %.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

/* Whether it has the text, perhaps in several lines. */
static bool wraps(const char *out, const char *text)
{
	for (; *out; out++) {
		const char *at = out, *of = text;
		while (*of && (*at == *of || (*of == ' ' && *at == '\n'))) {
			at += *of == ' ' ? strspn(at, " \n") : 1;
			of++;
		}
		if (!*of)
			return true;
	}
	return false;
}

static void help_covers_every_command_and_option(void **state)
{
	struct output all = run("\"$PROGRAM\" --help");
	assert_int_equal(all.status, 0);
	assert_string_equal(all.errors, "");
	assert_narrow(all.out);
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);
		assert_non_null(strstr(all.out, c->name));
		assert_non_null(strstr(all.out, c->summary));
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		struct output one = run("\"$PROGRAM\" %s --help", c->name);
		struct output same = run("\"$PROGRAM\" help %s", c->name);
		assert_int_equal(one.status, 0);
		assert_string_equal(one.errors, "");
		assert_narrow(one.out);
		assert_string_equal(one.out, same.out);
		char page[64], see[80], *at = strstr(one.out, "\nSee epolltune");
		snprintf(page, sizeof(page), "man/epolltune-%s.1", c->name);
		snprintf(see, sizeof(see), "\nSee epolltune%s%s(1).\n",
			 access(page, R_OK) ? "" : "-", access(page, R_OK) ? "" : c->name);
		assert_string_equal(at ? at : "", see);
		for (const struct option_row *row = c->options; row->name; row++) {
			assert_non_null(strstr(one.out, row->name));
			assert_true(wraps(one.out, row->help));
			assert_true(row - c->options < 64);
		}
		output_free(&one);
		output_free(&same);
	}
	output_free(&all);
}

struct fields {
	uint64_t rate;
	uint16_t port;
	bool json, quick;
	const char *pick, *name;
	int half;
};
#define AT(member) OPTION_AT(struct fields, member)

static int half_parse(const char *value, void *field, struct err *e)
{
	int *half = field, number = (int)strtol(value, NULL, 10);
	*half = number / 2;
	return number % 2 ? err_set(e, EINVAL, "--half: %d is odd", number) : 0;
}

static const struct option_row rows[] = {
	{"rate", "N", "x", AT(rate), NUMBER(RATE, 1, 5000)},
	{"port", "N", "x", AT(port), NUMBER(COUNT, 1, 65535)},
	{"format", "FORMAT", "x", AT(json), CHOICE("text,json")},
	{"pick", "NAME,…", "x", AT(pick), LIST("text,json")},
	{"name", "NAME", "x", AT(name), TEXT(NULL)},
	{"half", "N", "x", AT(half), PARSED(half_parse)},
	{"quick", NULL, "x", AT(quick), FLAG},
	{0},
};
static const struct fields defaults = {.rate = 1000, .port = 80, .pick = "text"};
static const struct command with_operands = {
	.name = "try", .arguments = "WORD", .options = rows, .defaults = &defaults};
static const struct command without = {
	.name = "try", .arguments = "", .options = rows, .defaults = &defaults};

/* Parse a line of words; return the fields that differ from the defaults and "[operands]", or the
 * error. */
static void walk(const struct command *c, const char *line, char *result, size_t size)
{
	char words[256], *argv[16] = {"try"}, *save = NULL;
	int argc = 1;
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	struct fields f = defaults;
	struct given given;
	struct err e = {0};
	FILE *out = fmemopen(result, size, "w");
	assert_non_null(out);
	if (options_parse(c, argc, argv, &f, &given, &e)) {
		assert_true(e.code == EINVAL || e.code == ERANGE);
		fprintf(out, "%s", e.text);
		fclose(out);
		return;
	}
	if (f.rate != defaults.rate)
		fprintf(out, "rate=%d ", (int)f.rate);
	if (f.port != defaults.port)
		fprintf(out, "port=%d ", f.port);
	if (f.pick != defaults.pick)
		fprintf(out, "pick=%s ", f.pick);
	if (f.name)
		fprintf(out, "name=%s ", f.name);
	if (f.half)
		fprintf(out, "half=%d ", f.half);
	fprintf(out, "%s%s%s[", f.json ? "json " : "", f.quick ? "quick " : "",
		given.help ? "help " : "");
	for (int i = 0; i < given.count; i++)
		fprintf(out, "%s%s", i ? " " : "", given.operands[i]);
	fprintf(out, "]");
	fclose(out);
	assert_int_equal(given_option(&given, "quick"), f.quick);
}

static void options_are_parsed(void **state)
{
	static const struct {
		const char *line, *result;
	} cases[] = {
		{"", "[]"},
		{"a b", "[a b]"},
		{"--rate 5 a", "rate=5 [a]"},
		{"--rate=5 a", "rate=5 [a]"},
		{"--rate 2k --port 65535", "rate=2000 port=65535 []"},
		{"--name= a", "--name needs NAME: it is empty"},
		{"--name -1", "name=-1 []"},
		{"--name a=b", "name=a=b []"},
		{"--half 6", "half=3 []"},
		{"a --quick b --rate 5 c", "rate=5 quick [a b c]"},
		{"a - --quick", "quick [a -]"},
		{"a --quick -- --rate b", "quick [a --rate b]"},
		{"-- --", "[--]"},
		{"--format json", "json []"},
		{"--format text", "[]"},
		{"--pick json,text", "pick=json,text []"},
		{"--help --wrong", "help [--help --wrong]"},
		{"--rate", "--rate: missing argument N"},
		{"--rate --quick", "--rate: missing argument N"},
		{"--rate=", "--rate: "},
		{"--rate x", "--rate: "},
		{"--rate 0", "--rate: "},
		{"--rate 6k", "--rate: "},
		{"--port 65536", "--port: "},
		{"--half 5", "--half: 5 is odd"},
		{"--quick=1", "--quick: takes no argument"},
		{"--rate 1 --rate 2", "--rate: given twice"},
		{"--quick --quick", "--quick: given twice"},
		{"--format xml", "--format: \"xml\" is not one of text, json"},
		{"--format text,json", "--format: \"text,json\" is not one of text, json"},
		{"--format=", "--format: \"\" is not one of text, json"},
		{"--pick text,xml", "--pick: \"xml\" is not one of text, json"},
		{"--pick text,", "--pick: \"\" is not one of text, json"},
		{"--rat 5", "try: unknown option \"--rat\"; did you mean --rate?"},
		{"--fromat=json", "try: unknown option \"--fromat\"; did you mean --format?"},
		{"--zzz", "try: unknown option \"--zzz\"; see epolltune try --help"},
		{"-r 5", "try: unknown option \"-r\"; see epolltune try --help"},
		{"---", "try: unknown option \"---\"; see epolltune try --help"},
	};
	char result[512];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		walk(&with_operands, cases[i].line, result, sizeof(result));
		/* quantity_parse() words its errors. */
		bool begins = cases[i].result[strlen(cases[i].result) - 1] == ' ';
		if (begins)
			result[strlen(cases[i].result)] = 0;
		assert_string_equal(result, cases[i].result);
	}
	walk(&without, "--quick a", result, sizeof(result));
	assert_string_equal(result, "try: unexpected argument \"a\"");
}

static void help_shows_defaults_and_choices(void **state)
{
	static const char *const texts[] = {
		"x (1k)", "x (80)", "x: text (default) or json", "x (text)", "x", "x", "x"};
	char text[HELP_TEXT];
	for (size_t i = 0; rows[i].name; i++)
		assert_string_equal(option_help(&with_operands, &rows[i], text), texts[i]);
}

/* Whether the size of the field is one that the kind writes. */
static bool fits(const struct option_row *row)
{
	if (row->kind == OPTION_FLAG)
		return row->size == sizeof(bool);
	if (row->parse)
		return row->size;
	if (row->kind == OPTION_TEXT || row->kind == OPTION_LIST)
		return row->size == sizeof(const char *);
	return row->size == 8 || (row->size < 8 && !(row->max >> (8 * row->size)));
}

static void fields_are_in_the_defaults(void **state)
{
	for (size_t i = 0; i < command_count(); i++) {
		const struct command *c = command_at(i);
		for (const struct option_row *row = c->options; row->name && c->run; row++)
			if (!c->defaults || row->field + row->size > c->size || !fits(row))
				fail_msg("%s --%s has no such field", c->name, row->name);
	}
}

static const char *role(int i) { return target_role_name((enum target_role)i); }
static const char *share(int i) { return server_share_name((enum server_share)i); }
static const char *mode(int i) { return server_mode_name((enum server_mode)i); }
static const char *close_mode(int i) { return client_close_name((enum client_close)i); }

static void choices_have_the_order_of_their_enums(void **state)
{
	static const struct {
		const char *values;
		const char *(*name)(int i);
	} choices[] = {{"server,proxy", role},
		       {SERVER_SHARES, share},
		       {SERVER_MODES, mode},
		       {CLIENT_CLOSES, close_mode}};
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		const char *values = choices[i].values;
		struct list_item item;
		for (int k = 0; list_next(&values, &item); k++)
			assert_true(list_item_is(&item, choices[i].name(k)));
	}
}

static void similar_values_are_suggested(void **state)
{
	char nearest[VALUE_SIZE];
	assert_true(values_nearest(values_words("text,json"), "jsno", nearest));
	assert_string_equal(nearest, "json");
	assert_true(values_nearest(values_words("net.core.somaxconn,fs.file-max"), "somaxconn",
				   nearest));
	assert_string_equal(nearest, "net.core.somaxconn");
	assert_false(values_nearest(values_words("text,json"), "yaml", nearest));
	assert_false(values_nearest(values_words("text,json"), "", nearest));
	char longest[200];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_false(values_nearest(values_words("text,json"), longest, nearest));
}

/* A repetition of a command does not write its files; a value is no option. */
static void what_writes_is_not_repeated(void **state)
{
	static const struct option_row writing[] = {
		OUTPUT_OPTION("report", AT(pick)),
		{"save", "NAME", "x", AT(pick), TEXT(NULL), .writes = true},
		{"name", "NAME", "x", AT(name), TEXT(NULL)},
		{"quick", NULL, "x", AT(quick), FLAG},
		{0},
	};
	static const struct command c = {
		.name = "try", .arguments = "WORD", .options = writing, .defaults = &defaults};
	char *argv[] = {"try", "--save=a", "-o",      "b",  "--name",
			"-o",  "c",        "--quick", "--", "--save"};
	static const char *const kept[] = {"try", "--name", "-o", "--quick", "--", "c", "--save"};
	char *words[sizeof(argv) / sizeof(*argv)];
	struct fields f = defaults;
	struct given given;
	struct err e = {0};
	assert_int_equal(options_parse(&c, sizeof(argv) / sizeof(*argv), argv, &f, &given, &e), 0);
	assert_int_equal(given_repeatable(&given, words), sizeof(kept) / sizeof(*kept));
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		assert_string_equal(words[i], kept[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_covers_every_command_and_option),
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(help_shows_defaults_and_choices),
		cmocka_unit_test(fields_are_in_the_defaults),
		cmocka_unit_test(choices_have_the_order_of_their_enums),
		cmocka_unit_test(similar_values_are_suggested),
		cmocka_unit_test(what_writes_is_not_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
