/* Each fuzzer on its kept corpus, and on each of these files damaged in ways that do not change
 * from run to run. `make fuzz` searches for further inputs. */
#include "../support/support.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"

#define INPUT_MAX 65536
#define DAMAGES 24 /* of each file */

typedef int entry_function(const uint8_t *data, size_t size);
#define FUZZER(name) entry_function name;
#include "../fuzz/fuzzers.def"
#undef FUZZER

static const struct {
	const char *name; /* of its corpus */
	entry_function *entry;
} fuzzers[] = {
#define FUZZER(name) {&#name[sizeof("fuzz_") - 1], name},
#include "../fuzz/fuzzers.def"
#undef FUZZER
};
#define FUZZERS (sizeof(fuzzers) / sizeof(*fuzzers))

static uint64_t state;

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % limit);
}

/* Changes bytes, repeats a part, leaves one out, or cuts the end off. */
static size_t damage(uint8_t *data, size_t size)
{
	size_t at = below(size), length = below(size - at) + 1;
	switch (below(4)) {
	case 0:
		for (size_t i = 0; i <= below(4); i++)
			data[below(size)] = (uint8_t)below(256);
		return size;
	case 1:
		length = length < INPUT_MAX - size ? length : INPUT_MAX - size;
		memmove(data + at + length, data + at, size - at);
		return size + length;
	case 2:
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	default:
		return at;
	}
}

static size_t file_read(const char *path, uint8_t data[INPUT_MAX])
{
	CLEAN(close_file) FILE *in = fopen(path, "re");
	assert_non_null(in);
	size_t size = fread(data, 1, INPUT_MAX, in);
	if (size == INPUT_MAX)
		fail_msg("%s has %d bytes or more", path, INPUT_MAX);
	return size;
}

static void file_run(entry_function *entry, const char *path)
{
	static uint8_t whole[INPUT_MAX], data[INPUT_MAX];
	size_t size = file_read(path, whole);
	entry(whole, size);
	state = 0x9e3779b97f4a7c15 + size;
	for (int i = 0; i < DAMAGES && size; i++) {
		memcpy(data, whole, size);
		entry(data, damage(data, size));
	}
}

/* Each fuzzer has at least one kept input. */
static void corpora_are_read(void **arg)
{
	for (size_t i = 0; i < FUZZERS; i++) {
		char path[512];
		struct dirent **names;
		snprintf(path, sizeof(path), "tests/fuzz/corpus/%s", fuzzers[i].name);
		int count = scandir(path, &names, NULL, alphasort), files = 0;
		for (int n = 0; n < count; n++) {
			if (names[n]->d_name[0] != '.') {
				snprintf(path, sizeof(path), "tests/fuzz/corpus/%s/%s",
					 fuzzers[i].name, names[n]->d_name);
				file_run(fuzzers[i].entry, path);
				files++;
			}
			free(names[n]);
		}
		if (count >= 0)
			free(names);
		if (!files)
			fail_msg("tests/fuzz/corpus/%s has no input", fuzzers[i].name);
		fuzzers[i].entry((const uint8_t *)"", 0);
	}
}

static void all_fuzzers_are_listed(void **arg)
{
	struct output o = run("ls tests/fuzz/fuzz_*.c | wc -l");
	assert_int_equal(atoi(o.out), FUZZERS);
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_fuzzers_are_listed),
		cmocka_unit_test(corpora_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
