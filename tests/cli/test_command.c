/* The command line: help and options. */
#include "../support/support.h"
#include "commands/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	(void)state;
	struct output all = run("\"$PROGRAM\" --help");
	assert_int_equal(all.status, 0);
	assert_string_equal(all.errors, "");
	assert_narrow(all.out);
	for (size_t i = 0; i < command_table_size; i++) {
		const struct command *c = &command_table[i];
		assert_non_null(strstr(all.out, c->name));
		assert_non_null(strstr(all.out, c->summary));
		assert_true(c->summary[strlen(c->summary) - 1] != '.');
		struct output one = run("\"$PROGRAM\" %s --help", c->name);
		struct output same = run("\"$PROGRAM\" help %s", c->name);
		assert_int_equal(one.status, 0);
		assert_string_equal(one.errors, "");
		assert_narrow(one.out);
		assert_string_equal(one.out, same.out);
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

static const struct option_row rows[] = {
	{"rate", "N", NULL, "x"},
	{"format", "FORMAT", "text,json", "x"},
	{"pick", "NAME,…", "text,json", "x"},
	{"quick", NULL, NULL, "x"},
	{0},
};
static const struct command with_operands = {"try", "WORD", "x", rows, NULL};
static const struct command without = {"try", "", "x", rows, NULL};

/* Parse a line of words; return "name=value name [operands]", or the error. */
static void walk(const struct command *c, const char *line, char *result, size_t size)
{
	char words[256], *argv[16] = {"try"}, *save = NULL;
	int argc = 1;
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	struct options o = {.command = c, .argc = argc, .argv = argv, .next = 1};
	struct err e = {0};
	const char *value;
	const struct option_row *row;
	size_t used = 0;
	result[0] = 0;
	while ((row = options_next(&o, &value, &e)))
		used += (size_t)snprintf(result + used, size - used, "%s%s%s ", row->name,
					 value ? "=" : "", value ? value : "");
	if (e.code) {
		assert_int_equal(e.code, EINVAL);
		snprintf(result, size, "%s", e.text);
		return;
	}
	used += (size_t)snprintf(result + used, size - used, "%s[", o.help ? "help " : "");
	for (int i = o.next; i < argc; i++)
		used += (size_t)snprintf(result + used, size - used, "%s%s", i > o.next ? " " : "",
					 argv[i]);
	snprintf(result + used, size - used, "]");
}

static void options_are_parsed(void **state)
{
	(void)state;
	static const struct {
		const char *line, *result;
	} cases[] = {
		{"", "[]"},
		{"a b", "[a b]"},
		{"--rate 5 a", "rate=5 [a]"},
		{"--rate=5 a", "rate=5 [a]"},
		{"--rate= a", "rate= [a]"},
		{"--rate -1", "rate=-1 []"},
		{"--rate a=b", "rate=a=b []"},
		{"a --quick b --rate 5 c", "quick rate=5 [a b c]"},
		{"a - --quick", "quick [a -]"},
		{"a --quick -- --rate b", "quick [a --rate b]"},
		{"-- --", "[--]"},
		{"--format json", "format=json []"},
		{"--pick json,text", "pick=json,text []"},
		{"--quick --help --wrong", "quick help [--help --wrong]"},
		{"--rate", "--rate: missing argument N"},
		{"--rate --quick", "--rate: missing argument N"},
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
		assert_string_equal(result, cases[i].result);
	}
	walk(&without, "--quick a", result, sizeof(result));
	assert_string_equal(result, "try: unexpected argument \"a\"");
}

static void similar_values_are_suggested(void **state)
{
	(void)state;
	char nearest[VALUE_SIZE];
	assert_true(values_nearest("text,json", "jsno", nearest));
	assert_string_equal(nearest, "json");
	assert_true(values_nearest("net.core.somaxconn,fs.file-max", "somaxconn", nearest));
	assert_string_equal(nearest, "net.core.somaxconn");
	assert_false(values_nearest("text,json", "yaml", nearest));
	assert_false(values_nearest("text,json", "", nearest));
	char longest[200];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	assert_false(values_nearest("text,json", longest, nearest));
}

static void color_follows_terminal_and_environment(void **state)
{
	(void)state;
	assert_true(color_wanted("always"));
	assert_false(color_wanted("never"));
	assert_false(color_wanted("auto"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_covers_every_command_and_option),
		cmocka_unit_test(options_are_parsed),
		cmocka_unit_test(similar_values_are_suggested),
		cmocka_unit_test(color_follows_terminal_and_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
