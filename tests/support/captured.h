/* captured: a machine that a test writes, created for each test and removed afterwards. */
#pragma once

#include "support.h"

#include "epolltune/host.h"

/* Its directory. */
extern char root[64];
extern struct host *captured, *live;
int captured_make(void **state);
int captured_remove(void **state);
#define CAPTURED_TEST(name) cmocka_unit_test_setup_teardown(name, captured_make, captured_remove)

/* Writes a file of it, with its directories. */
void put(const char *path, const char *text);
void put_bytes(const char *path, const void *bytes, size_t size);
