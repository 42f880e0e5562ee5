/* What the program of a server was built with is found in its file. */
#include "../support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/program_text.h"

static int program_make(const char *text)
{
	FILE *file = tmpfile();
	static char filler[70000];
	assert_non_null(file);
	fwrite(filler, 1, 65530, file); /* the text is in two parts of what is read at once */
	fputs(text, file);
	fwrite(filler, 1, 200, file);
	fflush(file);
	int fd = dup(fileno(file));
	fclose(file);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void the_usual_file_is_that_of_the_build(void **state)
{
	static const struct {
		const char *text, *path, *file; /* NULL: not readable; not known */
	} rows[] = {
		/* Debian; Fedora and Arch, without /usr/sbin; an own build; OpenResty. */
		{"--prefix=/usr --conf-path=/etc/nginx/nginx.conf --http", "/usr/sbin/nginx",
		 "/etc/nginx/nginx.conf"},
		{"--conf-path=/etc/nginx/nginx.conf --http", "/usr/bin/nginx (deleted)",
		 "/etc/nginx/nginx.conf"},
		{"--conf-path=/opt/n.conf'", "/usr/sbin/nginx", "/opt/n.conf"},
		{"--conf-path=/opt/n.conf", "/opt/nginx", "/opt/n.conf"},
		{"--conf-path=conf/nginx.conf --http", "/usr/sbin/nginx", NULL},
		{"--prefix=/usr/local/openresty/nginx ", "/usr/sbin/nginx", NULL},
		/* That of another user is not readable. */
		{NULL, "/usr/sbin/nginx", "/etc/nginx/nginx.conf"},
		{NULL, "/usr/bin/nginx (deleted)", "/etc/nginx/nginx.conf"},
		{NULL, "/usr/bin/nginx-debug", NULL},
		{NULL, "nginx", NULL},
		{NULL, NULL, NULL},
	};
	const struct server_file *nginx = &server_row_find("nginx")->file;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[PROGRAM_FILE];
		int fd = rows[i].text ? program_make(rows[i].text) : -1;
		bool known = program_usual_file(fd, rows[i].path, nginx, out);
		if (known != (rows[i].file != NULL) || (known && strcmp(out, rows[i].file) != 0))
			fail_msg("row %zu: %s", i, known ? out : "not known");
		if (fd >= 0)
			close(fd);
	}
}

static void a_server_without_a_usual_file_has_none(void **state)
{
	char out[PROGRAM_FILE];
	assert_false(program_usual_file(-1, "/usr/sbin/haproxy", &server_row_find("haproxy")->file,
					out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_file_is_that_of_the_build),
		cmocka_unit_test(a_server_without_a_usual_file_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
