/* junit: a test suite in JUnit's XML, which CI systems read. */
#pragma once

#include <stddef.h>
#include <stdio.h>

enum junit_result { JUNIT_PASSED, JUNIT_FAILED, JUNIT_BROKEN, JUNIT_SKIPPED };
#define JUNIT_RESULTS 4

/* Where `out` is NULL a case is only counted: the suite begins with the numbers. */
struct junit {
	FILE *out;
	size_t count[JUNIT_RESULTS];
};

/* Begins the document. `stamp`: when it was measured; NULL: unknown. `host` "": none. */
void junit_open(const struct junit *j, const struct junit *counted, const char *name,
		const char *stamp, const char *host);
/* Begins a test case up to its text; lines of it and junit_end() must follow. `type`: of a failure
 * or an error. */
void junit_begin(struct junit *j, const char *class, const char *name, enum junit_result is,
		 const char *type, const char *message);
void junit_line(const struct junit *j, const char *text);
void junit_end(const struct junit *j, enum junit_result is);
/* Begins what the suite says itself, with its first line; junit_close() must follow. */
void junit_output(const struct junit *j, const char *text);
void junit_close(const struct junit *j);
