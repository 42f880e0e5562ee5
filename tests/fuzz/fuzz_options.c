/* Feeds bytes to the parsers of options and quantities: lines are the words of a command line, the
 * first names the command. A quantity that was read is written and read again as the same. */
#include "fuzz.h"

#include "commands/command.h"

#define WORDS 24

static void quantity_check(const char *text)
{
	for (enum quantity_kind kind = QUANTITY_COUNT; kind <= QUANTITY_SIZE; kind++) {
		char word[32], shown[32];
		uint64_t value, again;
		if (quantity_parse("a", kind, text, 0, UINT64_MAX, &value, NULL))
			continue;
		quantity_word(word, sizeof(word), kind, value);
		if (quantity_parse("a", kind, word, 0, UINT64_MAX, &again, NULL) || again != value)
			abort();
		quantity_format(shown, sizeof(shown), kind, quantity_round(kind, value));
	}
}

/* --target and others would open files that the bytes name. */
static bool opens(const char *word) { return !strncmp(word, "--target", 8); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(free_pointer) char *text = fuzz_text(data, size);
	char *words[WORDS + 1] = {NULL}, *at = text;
	int count = 0;
	while (at && count < WORDS)
		words[count++] = strsep(&at, "\n");
	const struct command *c = command_at(0);
	for (size_t i = 0; i < command_count(); i++)
		if (!strcmp(command_at(i)->name, words[0]))
			c = command_at(i);
	for (int i = 0; i < count; i++) {
		if (opens(words[i]))
			return 0;
		quantity_check(words[i]);
	}
	CLEAN(free_pointer) void *arguments = calloc(1, c->size + 1);
	struct given given;
	struct err e = {0};
	if (!arguments)
		abort();
	if (c->defaults)
		memcpy(arguments, c->defaults, c->size);
	int rc = options_parse(c, count, words, arguments, &given, &e);
	if (!rc == (e.code != 0) || (rc && !e.text[0]))
		abort();
	return 0;
}
