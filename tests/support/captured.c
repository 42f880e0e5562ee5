#include "captured.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char root[64];
struct host *captured, *live;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int captured_make(void **state)
{
	struct err e;
	snprintf(root, sizeof(root), "/tmp/epolltune-host-XXXXXX");
	return !mkdtemp(root) || host_open(&captured, root, &e) || host_open(&live, "/", &e);
}

int captured_remove(void **state)
{
	host_close(captured);
	host_close(live);
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void put_bytes(const char *path, const void *bytes, size_t size)
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
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

void put(const char *path, const char *text) { put_bytes(path, text, strlen(text)); }
