/* A line of a server's configuration, changed in texts and commands. */
#include "../support/support.h"
#include "catalogue/edit.h"
#include "catalogue/server_command.h"
#include "catalogue/server_upstreams.h"
#include "epolltune/guest.h"
#include "epolltune/host.h"
#include "host/subject_upstreams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a text becomes; NULL: it stays, and `error` says why not, or `present` is what it has. */
struct text_case {
	const char *server;
	enum server_limit limit;
	uint64_t value;
	const char *text, *want;
	uint64_t present;
	const char *error;
};

#define CLIENTS SERVER_CLIENTS
#define BACKLOG SERVER_BACKLOG

/* More sections than blocks can be nested. */
#define SIX "ring\nring\nring\nring\nring\nring\n"
#define MANY SIX SIX SIX

static const struct text_case cases[] = {
	{"nginx", CLIENTS, 576, "events { worker_connections 256; }",
	 "events { worker_connections 576; }", 256, NULL},
	{"nginx", CLIENTS, 576, "events{worker_connections 256;use epoll;}\n",
	 "events{worker_connections 576;use epoll;}\n", 256, NULL},
	{"nginx", CLIENTS, 576, "# worker_connections 1;\nevents {\n\tworker_connections\n256 ;}",
	 "# worker_connections 1;\nevents {\n\tworker_connections\n576 ;}", 256, NULL},
	{"nginx", CLIENTS, 576, "events { worker_connections 576; }", NULL, 576, NULL},
	{"nginx", CLIENTS, 576, "events { worker_connections 1024; }", NULL, 1024, NULL},
	{"nginx", CLIENTS, 576, "user a;\nevents {}\nhttp {}",
	 "user a;\nevents {\n\tworker_connections 576;}\nhttp {}", EDIT_NONE, NULL},
	{"nginx", CLIENTS, 576, "http { events { x 1; } }", NULL, EDIT_NONE,
	 "its configuration has no section events"},
	{"nginx", CLIENTS, 576, "events { worker_connections auto; }", NULL, EDIT_NONE,
	 "is not a plain number: \"auto\""},
	/* Elsewhere it is another's, or a text. */
	{"nginx", CLIENTS, 576,
	 "http { log '} events { worker_connections 1; '; map $a ${b} { worker_connections 1; } }\n"
	 "events { multi_accept on; }",
	 "http { log '} events { worker_connections 1; '; map $a ${b} { worker_connections 1; } }\n"
	 "events {\n\tworker_connections 576; multi_accept on; }",
	 EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "http { server { listen 8080; } }",
	 "http { server { listen 8080 backlog=1024; } }", EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "server { listen 8080 backlog=64 ssl; listen 80; listen 18080; }",
	 "server { listen 8080 backlog=1024 ssl; listen 80; listen 18080; }", 64, NULL},
	{"nginx", BACKLOG, 1024, "server { listen [::]:8080; listen \"127.0.0.1:8080\"; }",
	 "server { listen [::]:8080 backlog=1024; listen \"127.0.0.1:8080\" backlog=1024; }",
	 EDIT_NONE, NULL},
	/* One of several for an address has the options of its socket. */
	{"nginx", BACKLOG, 1024,
	 "server { listen 8080; } server { listen 8080 reuseport; } server { listen 8080 ssl; }",
	 "server { listen 8080; } server { listen 8080 reuseport backlog=1024; } "
	 "server { listen 8080 ssl; }",
	 EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "server { listen 8080; } server { listen 8080; }",
	 "server { listen 8080 backlog=1024; } server { listen 8080; }", EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "server { listen 8080 backlog=4096; }", NULL, 4096, NULL},
	{"nginx", BACKLOG, 1024, "server { listen 80; }", NULL, EDIT_NONE,
	 "its configuration has no listen for 8080"},
	{"nginx", BACKLOG, 1024, "listen 8080 \"backlog=64\";", "listen 8080 backlog=1024;", 64,
	 NULL},
	/* The socket of the wildcard serves an address without options of its own. */
	{"nginx", BACKLOG, 1024, "listen 8080; listen 127.0.0.1:8080; listen 127.0.0.2:8080 bind;",
	 "listen 8080 backlog=1024; listen 127.0.0.1:8080; listen 127.0.0.2:8080 bind "
	 "backlog=1024;",
	 EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "listen 127.0.0.1:8080; listen 127.0.0.2:8080 backlog=64;",
	 "listen 127.0.0.1:8080 backlog=1024; listen 127.0.0.2:8080 backlog=1024;", 64, NULL},
	{"nginx", BACKLOG, 1024, "listen 127.0.0.1:8080; listen [::]:8080; listen [::1]:8080;",
	 "listen 127.0.0.1:8080 backlog=1024; listen [::]:8080 backlog=1024; listen [::1]:8080;",
	 EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "listen localhost:8080; listen [::]:8080;",
	 "listen localhost:8080; listen [::]:8080 backlog=1024;", EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "listen 0.0.0.0:8080; listen *:8080 deferred; listen 8080;",
	 "listen 0.0.0.0:8080; listen *:8080 deferred backlog=1024; listen 8080;", EDIT_NONE, NULL},
	{"nginx", BACKLOG, 1024, "listen 8080 quic reuseport; listen 8080 ssl; listen 8080 udp;",
	 "listen 8080 quic reuseport; listen 8080 ssl backlog=1024; listen 8080 udp;", EDIT_NONE,
	 NULL},
	{"nginx", BACKLOG, 1024, "listen 8080 udp;", NULL, EDIT_NONE,
	 "its configuration has no listen for 8080"},

	{"redis-server", CLIENTS, 288, "maxclients 100\nsave \"\"", "maxclients 288\nsave \"\"",
	 100, NULL},
	/* The last one counts. */
	{"redis-server", CLIENTS, 288, "maxclients 100\n  maxclients 400\n", NULL, 400, NULL},
	{"redis-server", CLIENTS, 288, "maxclients 400\nmaxclients 100\n",
	 "maxclients 400\nmaxclients 288\n", 100, NULL},
	{"redis-server", CLIENTS, 288, "MaxClients 100\nMAXCLIENTS 50\n",
	 "MaxClients 100\nMAXCLIENTS 288\n", 50, NULL},
	{"redis-server", BACKLOG, 1024, "TCP-Backlog 511\n", "TCP-Backlog 1024\n", 511, NULL},
	{"redis-server", CLIENTS, 288, "maxclients '100'", "maxclients 288", 100, NULL},
	{"redis-server", CLIENTS, 288, "maxclients many\nmasterauth secret\n", NULL, EDIT_NONE,
	 "maxclients is not a plain number: \"many\"$"},
	{"redis-server", CLIENTS, 288, "a 'it\\'s\nmaxclients 100", "a 'it\\'s\nmaxclients 288",
	 100, NULL},
	{"redis-server", CLIENTS, 288, "a 'it\\' maxclients 1'\nmaxclients 100",
	 "a 'it\\' maxclients 1'\nmaxclients 288", 100, NULL},
	{"redis-server", CLIENTS, 288, "a \"it\\\nmaxclients 100", "a \"it\\\nmaxclients 288", 100,
	 NULL},
	{"redis-server", CLIENTS, 288, "a it\\\nmaxclients 100\na ${b\n",
	 "a it\\\nmaxclients 288\na ${b\n", 100, NULL},
	{"redis-server", CLIENTS, 288, "a ${b\nmaxclients 100\na }", "a ${b\nmaxclients 288\na }",
	 100, NULL},
	{"redis-server", CLIENTS, 288, "#maxclients 100\nsave \"a maxclients 3\"",
	 "#maxclients 100\nsave \"a maxclients 3\"\nmaxclients 288\n", EDIT_NONE, NULL},
	{"redis-server", BACKLOG, 1024, "tcp-backlog 511 # so\r\nport 1\r\n",
	 "tcp-backlog 1024 # so\r\nport 1\r\n", 511, NULL},

	/* Names of other servers have one letter case. */
	{"haproxy", CLIENTS, 144, "global\n maxconn 50\n MaxConn 10\n",
	 "global\n maxconn 144\n MaxConn 10\n", 50, NULL},
	/* Two addresses of one port are both of the server. */
	{"haproxy", BACKLOG, 1024,
	 "listen a\n bind 127.0.0.1:8080\n bind 127.0.0.2:8080 backlog 9\n",
	 "listen a\n bind 127.0.0.1:8080 backlog 1024\n bind 127.0.0.2:8080 backlog 1024\n", 9,
	 NULL},
	{"haproxy", CLIENTS, 144, "global\n  maxconn 50\nlisten a\n  maxconn 10\n",
	 "global\n  maxconn 144\nlisten a\n  maxconn 10\n", 50, NULL},
	/* A section that the server listens by has its own, and those with defaults theirs. */
	{"haproxy", CLIENTS, 144,
	 "global\n maxconn 50\nlisten a\n maxconn 10\n bind :8080\nlisten b\n bind :80\n maxconn 9\n",
	 "global\n maxconn 144\nlisten a\n maxconn 144\n bind :8080\nlisten b\n bind :80\n maxconn 9\n",
	 10, NULL},
	{"haproxy", CLIENTS, 144,
	 "global\n maxconn 400\ndefaults\n maxconn 20\nfrontend a\n bind :80,*:8080\n",
	 "global\n maxconn 400\ndefaults\n maxconn 144\nfrontend a\n bind :80,*:8080\n", 20, NULL},
	{"haproxy", CLIENTS, 144, "global\nfrontend a\n bind :8080\n maxconn 20\n",
	 "global\nfrontend a\n bind :8080\n maxconn 144\n", 20, NULL},
	{"haproxy", CLIENTS, 144, "global # maxconn 1\n  log a\nlisten a\n  maxconn 10\n",
	 "global # maxconn 1\n\tmaxconn 144\n  log a\nlisten a\n  maxconn 10\n", EDIT_NONE, NULL},
	{"haproxy", CLIENTS, 144, "global\n maxconn \"${N}\"\n", NULL, EDIT_NONE,
	 "is not a plain number"},
	{"haproxy", CLIENTS, 144, MANY "global\n maxconn 50\n", MANY "global\n maxconn 144\n", 50,
	 NULL},
	/* The first one counts. */
	{"haproxy", CLIENTS, 144, "global\n maxconn 50\n maxconn 100\nglobal\n maxconn 90\n",
	 "global\n maxconn 144\n maxconn 100\nglobal\n maxconn 90\n", 50, NULL},
	{"haproxy", CLIENTS, 144, "global\n maxconn 400\n maxconn 100\n", NULL, 400, NULL},
	{"haproxy", CLIENTS, 144, "global\n a 'b\\' 'c\\'\n maxconn 50\n",
	 "global\n a 'b\\' 'c\\'\n maxconn 144\n", 50, NULL},
	{"haproxy", CLIENTS, 144, "global\n maxconn \"50\" # b\n", "global\n maxconn 144 # b\n", 50,
	 NULL},
	{"haproxy", BACKLOG, 1024, "listen a\n bind quic4@:8080 ssl\n bind :8080 backlog '64'\n",
	 "listen a\n bind quic4@:8080 ssl\n bind :8080 backlog 1024\n", 64, NULL},
	{"haproxy", CLIENTS, 144, "listen a\n maxconn 10\n", NULL, EDIT_NONE,
	 "its configuration has no section global"},
	{"haproxy", BACKLOG, 1024, "listen a\n bind :80,:8080 # x\n bind *:8080 backlog 64 ssl\n",
	 "listen a\n bind :80,:8080 backlog 1024 # x\n bind *:8080 backlog 1024 ssl\n", 64, NULL},
	{"haproxy", BACKLOG, 1024, "listen a\n bind :8080 a\\\n", NULL, EDIT_NONE,
	 "a line with bind cannot be changed"},
	{"haproxy", BACKLOG, 1024, "listen a\n bind :18080\n bind unix@/8080\n", NULL, EDIT_NONE,
	 "its configuration has no bind for 8080"},
};

static void a_text_is_changed_in_its_place(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct text_case *c = &cases[i];
		const struct server_row *row = server_row_find(c->server);
		struct edit_addresses addresses = {0};
		struct edit edit = {&row->file, &row->set[c->limit], "8080", 0, &addresses};
		struct edited seen, out = {.present = EDIT_NONE};
		struct err e = {0};
		print_message("%s: %s\n", c->server, c->text);
		int rc = edit_text(&edit, c->text, "", &seen, &e);
		assert_null(seen.text);
		edit.value = c->value;
		if (!rc)
			rc = edit_text(&edit, c->text, "", &out, &e);
		assert_true(out.present == c->present);
		if (!rc && !out.text && !out.found)
			rc = edit_insert(&edit, c->text, &out.text, &e);
		if (c->error) /* "$": the end of the text */
			assert_non_null(strstr(strcat(e.text, "$"), c->error));
		assert_int_equal(rc, c->error ? -ENOTSUP : 0);
		if (c->want)
			assert_string_equal(out.text, c->want);
		else
			assert_null(out.text);
		free(out.text);
	}
}

/* In whichever file they are. */
static void one_of_several_files_has_the_parameter(void **state)
{
	const struct server_row *row = server_row_find("nginx");
	static const char *const texts[] = {"listen 8080;", "listen 8080 reuseport;",
					    "listen 8080;"};
	struct edit_addresses addresses = {0};
	struct edit edit = {&row->file, &row->set[SERVER_BACKLOG], "8080", 0, &addresses};
	struct edited out;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(edit_text(&edit, texts[i], "server", &out, NULL), 0);
	edit.value = 1024;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(edit_text(&edit, texts[i], "server", &out, NULL), 0);
		assert_int_equal(out.text != NULL, i == 1);
		free(out.text);
	}
}

static void a_socket_is_found_by_its_path(void **state)
{
	static const char *const texts[][2] = {
		{"nginx", "listen unix:/run/app.sock;"},
		{"haproxy", "bind unix@/run/app.sock\n"},
		{"haproxy", "bind /run/app.sock\n"},
	};
	for (size_t i = 0; i < 3; i++) {
		const struct server_row *row = server_row_find(texts[i][0]);
		struct edit_addresses addresses = {0};
		struct edit edit = {&row->file, &row->set[SERVER_BACKLOG], "unix:/run/app.sock", 0,
				    &addresses};
		struct edited out;
		assert_int_equal(edit_text(&edit, texts[i][1], "", &out, NULL), 0);
		assert_int_equal(out.found, 1);
		edit.address = "unix:/run/app.soc";
		assert_int_equal(edit_text(&edit, texts[i][1], "", &out, NULL), 0);
		assert_int_equal(out.found, 0);
	}
}

static void number_note(const struct edit_number *n, void *arg)
{
	char *text = arg;
	snprintf(text + strlen(text), 200 - strlen(text), "%u %s %llu; ", n->line, n->name,
		 (unsigned long long)n->value);
}

static void numbers_of_a_limit_are_found(void **state)
{
	static const struct {
		const char *server;
		enum server_limit limit;
		const char *text, *want;
	} rows[] = {
		{"nginx", BACKLOG, "listen 80\n# x\n  backlog=7;\nlisten 81;listen 82 backlog=8;",
		 "3 backlog= 7; 4 backlog= 8; "},
		{"nginx", BACKLOG,
		 "listen 80 udp backlog=7; x listen backlog=7; listen 80 backlog=k;", ""},
		{"nginx", CLIENTS, "worker_connections 5;\nevents {\nworker_connections 6; }",
		 "1 worker_connections 5; 3 worker_connections 6; "},
		{"haproxy", BACKLOG,
		 "frontend a\nbind :80 backlog 7 ssl\nbind :81 ssl backlog '8'\n",
		 "2 backlog  7; 3 backlog  8; "},
		{"haproxy", BACKLOG, "defaults\nbacklog 9 # x\nbind :80\nbind :81 backlog",
		 "2 backlog 9; "},
		{"redis-server", BACKLOG, "TCP-backlog \"7\"\n#tcp-backlog 8", "1 tcp-backlog 7; "},
		{"php-fpm8.2", BACKLOG, "[www]\r\nlisten.backlog=7;x\r\n; listen.backlog = 8\r\n",
		 "2 listen.backlog 7; "},
		{"php-fpm8.2", BACKLOG, "= 5\nlisten.backlog =\n\tlisten.backlog =  \"8\" ",
		 "3 listen.backlog 8; "},
		{"apache2", BACKLOG, "<IfModule x>\n listenbacklog 7\n</IfModule>",
		 "2 ListenBacklog 7; "},
		{"gunicorn", BACKLOG, "backlog = 5", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct server_row *row = server_row_find(rows[i].server);
		char found[200] = "";
		edit_each(&row->file, &row->set[rows[i].limit], rows[i].text, number_note, found);
		assert_string_equal(found, rows[i].want);
	}
}

static int include_note(const char *name, const char *section, void *arg, struct err *e)
{
	char *text = arg;
	snprintf(text + strlen(text), 200 - strlen(text), "%s in \"%s\"; ", name, section);
	return 0;
}

static void included_files_have_the_section_around_them(void **state)
{
	char text[200] = "";
	edit_includes(
		&server_row_find("nginx")->file,
		"include a.conf; # include no;\nhttp { include 'b/*.conf'; server { include c; } "
		"} events { include d; }",
		"", 0, include_note, text, NULL);
	assert_string_equal(text, "a.conf in \"\"; b/*.conf in \"http\"; c in \"server\"; "
				  "d in \"events\"; ");
	text[0] = 0;
	edit_includes(&server_row_find("redis-server")->file, "include /a\n#include /b\n", "", 0,
		      include_note, text, NULL);
	assert_string_equal(text, "/a in \"\"; ");
	text[0] = 0;
	/* What is before the last one has no effect. */
	static const char last[] = "include /a\nmaxclients 9\ninclude /b\n";
	const struct server_row *redis = server_row_find("redis-server");
	struct edit edit = {&redis->file, &redis->set[SERVER_CLIENTS], "1", 0, NULL};
	struct edited seen;
	assert_int_equal(edit_text(&edit, last, "", &seen, NULL), 0);
	edit_includes(&redis->file, last, "", seen.at, include_note, text, NULL);
	assert_string_equal(text, "/b in \"\"; ");
	text[0] = 0;
	edit_includes(&server_row_find("haproxy")->file, "include /a\n", "", 0, include_note, text,
		      NULL);
	assert_string_equal(text, "");
}

/* Where a command gets an option more; NULL: it does not, as `error` says. */
struct command_case {
	const char *server, *command, *want, *error;
};

#define LONG "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE"
#define NOT_ITSELF "the command does not start Redis itself"
static const struct command_case commands[] = {
	{"redis-server", "redis-server", "redis-server -x 7", NULL},
	{"redis-server", "exec /usr/bin/redis-server --save \"\"",
	 "exec /usr/bin/redis-server --save \"\" -x 7", NULL},
	{"redis-server", "cd /x && A=1 env B='a b' redis-server 'a;b' >/dev/null 2>&1; echo",
	 "cd /x && A=1 env B='a b' redis-server 'a;b' -x 7 >/dev/null 2>&1; echo", NULL},
	{"redis-server", "redis-server a 2>log", "redis-server a -x 7 2>log", NULL},
	{"redis-server", "redis-server \\; \"$A `b`\" $(c; d) # redis-server",
	 "redis-server \\; \"$A `b`\" $(c; d) -x 7 # redis-server", NULL},
	{"redis-server", "redis-server a >/dev/null b < c", "redis-server a >/dev/null b -x 7 < c",
	 NULL},
	{"redis-server", "redis-server a > /var/log/redis-server 2>>\"redis-server\"",
	 "redis-server a -x 7 > /var/log/redis-server 2>>\"redis-server\"", NULL},
	{"redis-server", "redis-server \\\n  a \\\n", "redis-server \\\n  a -x 7 \\\n", NULL},
	{"redis-server", "redis-server a -- b", "redis-server a -x 7 -- b", NULL},
	{"redis-server", "sleep 1 & redis-server &", "sleep 1 & redis-server -x 7 &", NULL},
	{"redis-server", "cat >a <<EOF; redis-server a\nredis-server b\n EOF\nEOF\necho",
	 "cat >a <<EOF; redis-server a -x 7\nredis-server b\n EOF\nEOF\necho", NULL},
	{"redis-server", "cat <<-'A B' <<\\C\nredis-server\n\tA B\nredis-server\nC\nredis-server",
	 "cat <<-'A B' <<\\C\nredis-server\n\tA B\nredis-server\nC\nredis-server -x 7", NULL},
	{"redis-server", "cat <<EOF\nredis-server\n", NULL, NOT_ITSELF},
	/* An end that does not fit. */
	{"redis-server", "cat <<" LONG "\nredis-server a\n" LONG "\n",
	 "cat <<" LONG "\nredis-server a -x 7\n" LONG "\n", NULL},
	{"redis-server", "cat <<EOF\nredis-server\nEOF", NULL, NOT_ITSELF},
	{"redis-server", "redis-server - <<EOF\nmaxclients 3; redis-server\nEOF\n",
	 "redis-server - -x 7 <<EOF\nmaxclients 3; redis-server\nEOF\n", NULL},
	{"redis-server", "sh start.sh redis-server", NULL, NOT_ITSELF},
	{"redis-server", "echo 'a; redis-server'", NULL, NOT_ITSELF},
	{"redis-server", "nginx", NULL, NOT_ITSELF},
	{"redis-server", "", NULL, NOT_ITSELF},
	{"redis-server", "redis-server & redis-server", NULL, "Redis more than once"},
};

static void a_command_gets_an_option_more(void **state)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct command_case *c = &commands[i];
		struct server_command found;
		struct err e = {0};
		print_message("%s\n", c->command);
		int rc = server_command_find(c->command, server_row_find(c->server), &found, &e);
		assert_int_equal(rc, c->error ? -ENOTSUP : 0);
		if (c->error) {
			assert_non_null(strstr(e.text, c->error));
			continue;
		}
		char *text = server_command_add(c->command, &found, "-x", 7);
		assert_string_equal(text, c->want);
		free(text);
	}
}

static const char *option_of(const char *command, const char *option)
{
	static struct server_command c;
	const char *value = "none";
	size_t at = 0;
	assert_int_equal(server_command_find(command, server_row_find("memcached"), &c, NULL), 0);
	while (server_command_option(&c, option, &at, &value))
		;
	return value ? value : "unknown";
}

static void an_option_is_read_from_a_command(void **state)
{
	assert_string_equal(option_of("memcached -c 64 -u a", "-c"), "64");
	assert_string_equal(option_of("memcached -c64 -c 65", "-c"), "65");
	assert_string_equal(option_of("memcached -c '6 4'", "-c"), "6 4");
	assert_string_equal(option_of("memcached -m 64 >/tmp/log -c 64 2>&1", "-c"), "64");
	assert_string_equal(option_of("memcached -m 64 > /tmp/memcached -c \\\n 6\\\n4", "-c"),
			    "64");
	assert_string_equal(option_of("memcached -c \"6\\\n4\\\\\n\"", "-c"), "64\\\n");
	assert_string_equal(option_of("memcached -c 3 -- -c 64", "-c"), "3");
	assert_string_equal(option_of("memcached -c $N", "-c"), "unknown");
	assert_string_equal(option_of("memcached -u -c", "-c"), "unknown");
	assert_string_equal(option_of("memcached; echo -c 64", "-c"), "none");
	assert_string_equal(option_of("memcached --conn 3", "--conn"), "3");
	assert_string_equal(option_of("memcached --conn=4 --connx=5", "--conn"), "4");
}

/* A line is a word of the command. */
static void a_script_names_the_server(void **state)
{
	static const struct {
		const char *command, *name, *first; /* the program, without its interpreter */
		size_t count;                       /* of words from there */
	} rows[] = {
		{"python3\n-m\ngunicorn\n-w\n2\napp:app", "gunicorn", "gunicorn", 4},
		{"/usr/bin/python3.11\n-W\nignore\n-u\n-m\nuvicorn.main\napp:app", "uvicorn",
		 "uvicorn.main", 2},
		{"python3\n/usr/bin/gunicorn\n-w\n2", "gunicorn", "/usr/bin/gunicorn", 3},
		{"python3\n-c\nimport gunicorn\ngunicorn", "", "python3", 4},
		{"python3\nmanage.py\nrunserver", "", "manage.py", 2},
		{"python3\n-m", "", "python3", 2},
		{"python3", "", "python3", 1},
		{"ruby\n-I\nlib\n/usr/bin/unicorn\n-c\na", "unicorn", "/usr/bin/unicorn", 3},
		{"/usr/bin/perl\n-w\n/usr/bin/starman\na.psgi", "starman", "/usr/bin/starman", 2},
		{"perl\n-e\n1\nstarman", "", "perl", 4},
		{"unicorn master -c /etc/unicorn.rb -D", "unicorn",
		 "unicorn master -c /etc/unicorn.rb -D", 1},
		{"gunicorn: master [app]", "gunicorn", "gunicorn: master [app]", 1},
		{"own: master [app]", "", "own: master [app]", 1},
		/* These servers are no scripts. */
		{"python3\n-m\nnomad.cli", "", "nomad.cli", 1},
		{"python3\n-m\nsmtpd", "", "smtpd", 1},
		{"python3\n/opt/app/node", "", "/opt/app/node", 1},
		{"ruby\n/usr/bin/unicorn_exporter", "", "/usr/bin/unicorn_exporter", 1},
		{"master: [app]", "", "master: [app]", 1},
		/* What a program has as an argument is not what it is. */
		{"sh\n/usr/bin/gunicorn", "", "sh", 2},
		{"", "", NULL, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct server_command c;
		char text[128], name[16];
		snprintf(text, sizeof(text), "%s", rows[i].command);
		server_command_split(text, NULL, &c);
		server_script_name(&c, name, sizeof(name));
		server_script_skip(&c);
		if (strcmp(name, rows[i].name) != 0 || c.count != rows[i].count ||
		    (c.count && strcmp(c.word[0], rows[i].first) != 0))
			fail_msg("%s: \"%s\", %zu words", rows[i].command, name, c.count);
	}
}

static bool acts(const char *command, const char *server)
{
	const struct server_row *row = server_row_find(server);
	struct server_command c;
	assert_int_equal(server_command_find(command, row, &c, NULL), 0);
	return server_command_acts(&c, &row->set[CLIENTS]);
}

static void an_option_acts_with_some_classes(void **state)
{
	assert_true(acts("memcached -c 64", "memcached"));
	assert_false(acts("gunicorn --worker-connections 5", "gunicorn"));
	assert_false(acts("gunicorn -k gevent --worker-class sync a", "gunicorn"));
	assert_true(acts("gunicorn --worker-class=sync -k gevent a", "gunicorn"));
	assert_true(acts("gunicorn --threads 4 a", "gunicorn"));
	assert_true(acts("gunicorn -k sync --threads=4 a", "gunicorn"));
	assert_false(acts("gunicorn --threads 4 --threads 1 a", "gunicorn"));
	assert_false(acts("gunicorn -k tornado --threads 4 a", "gunicorn"));
	assert_false(acts("gunicorn --threads $N a", "gunicorn"));
}

/* The first word that is not understood; "": all is. */
static const struct {
	const char *server, *command, *unknown;
} understood[] = {
	{"nginx", "nginx -g 'daemon on; master_process on;'", ""},
	{"nginx", "nginx -e stderr -c /a", ""},
	{"nginx", "nginx -qc /a", "-qc"},
	{"nginx", "nginx -c/a", "-c/a"},
	{"nginx", "nginx -c /a b.conf", "b.conf"},
	{"nginx", "nginx -c", "-c"},
	{"haproxy", "haproxy -Ws -f /a -p /b -S /c -sf 12 13 -x /d", ""},
	{"haproxy", "haproxy -db -n 70 -f /a -- /b", ""},
	{"haproxy", "haproxy -db -N 50 -f /a", "-N"},
	{"memcached", "memcached -m 64 -p 11211 -u memcache -l 127.0.0.1 -P /a", ""},
	{"memcached", "memcached --conn-limit=5 -vv", ""},
	{"memcached", "memcached -c 600 -vc 50", "-vc"},
	{"memcached", "memcached --conn-lim 50", "--conn-lim"},
	{"memcached", "memcached --conn-lim=50", "--conn-lim=50"},
	{"gunicorn", "gunicorn -k gevent --worker-connections 50 a:b", ""},
	{"gunicorn", "gunicorn -k gevent --worker-conn 50 a:b", "--worker-conn"},
	{"gunicorn", "gunicorn -c a.py a:b", "-c"},
};

static void a_command_is_understood_word_by_word(void **state)
{
	for (size_t i = 0; i < sizeof(understood) / sizeof(*understood); i++) {
		const struct server_row *row = server_row_find(understood[i].server);
		struct server_command c;
		print_message("%s\n", understood[i].command);
		assert_int_equal(server_command_find(understood[i].command, row, &c, NULL), 0);
		const char *word = server_command_unknown(&c, row, &row->set[CLIENTS]);
		assert_string_equal(word ? word : "", understood[i].unknown);
	}
}

static void the_first_command_keeps_the_directory(void **state)
{
	struct server_command c;
	const struct server_row *row = server_row_find("haproxy");
	assert_int_equal(server_command_find("exec haproxy -f a", row, &c, NULL), 0);
	assert_true(c.first);
	assert_string_equal(c.word[2], "a");
	assert_int_equal(server_command_find("cd b; haproxy -f a", row, &c, NULL), 0);
	assert_false(c.first);
}

#define G "global\n  maxconn 9900\n"
#define F(name, more) "frontend " name "\n  bind :" more "\n"
#define ALL "0.0.0.0:80"

/* The limit that a text has for listeners; EDIT_NONE: none. */
static const struct {
	const char *server, *listeners, *text;
	uint64_t value, least;
	bool elsewhere;
} limits[] = {
	{"nginx", ALL, "events { worker_connections 256; }", 256, 256, false},
	{"nginx", ALL, "events { }", EDIT_NONE, EDIT_NONE, false},
	{"nginx", ALL, "events { include a; }", EDIT_NONE, EDIT_NONE, true},
	{"nginx", ALL, "include modules; events { use epoll; }", EDIT_NONE, EDIT_NONE, false},
	{"nginx", ALL, "include all;", EDIT_NONE, EDIT_NONE, true},
	{"redis-server", ALL, "maxclients 100\nmaxclients 300\n", 300, 300, false},
	{"redis-server", ALL, "maxclients 100\ninclude a\n", 100, 100, true},
	/* No section has the listener. */
	{"haproxy", ALL, G, 9900, 0, false},
	{"haproxy", ALL, G F("a", "81"), 9900, 0, false},
	{"haproxy", ALL, "global\n  maxconn 0\n  maxconn 70\n  maxconn 50\n" F("a", "80"), 70, 70,
	 false},
	{"haproxy", ALL, "global\nlisten a\n  bind :80\n", EDIT_NONE, EDIT_NONE, false},
	{"haproxy", ALL, G "defaults\n  maxconn 50\n" F("a", "80"), 50, 50, false},
	{"haproxy", ALL, G "defaults\n  maxconn 50\n" F("a", "80\n  maxconn 70"), 70, 70, false},
	{"haproxy", ALL, G "defaults\n  maxconn 50\ndefaults\n  mode tcp\n" F("a", "80"), 9900,
	 9900, false},
	{"haproxy", ALL, G "defaults d\n  maxconn 50\n" F("a from d", "80"), 50, 50, false},
	/* The one that it inherits from is not looked up. */
	{"haproxy", ALL, G "defaults d\n  maxconn 50\ndefaults e\n" F("a from d", "80"), 9900, 50,
	 false},
	{"haproxy", ALL, G F("a", "80") F("b", "81\n  maxconn 5"), 9900, 9900, false},
	{"haproxy", "0.0.0.0:80,0.0.0.0:81", G F("a", "80") F("b", "81\n  maxconn 5"), 9900, 5,
	 false},
	{"haproxy", "0.0.0.0:80,0.0.0.0:81", G F("a", "80\n  maxconn 7") F("b", "81\n  maxconn 5"),
	 12, 5, false},
	{"haproxy", "", G F("a", "80") F("b", "81\n  maxconn 5"), 9900, 5, false},
	{"haproxy", ALL, G F("b", "79-81\n  maxconn 5"), 5, 5, false},
	{"haproxy", ALL, G F("b", "81,:80\n  maxconn 5"), 5, 5, false},
	{"haproxy", ALL, G F("b", "80 maxconn 5"), 5, 5, false},
	{"haproxy", ALL, G F("b", "80 maxconn 5\n  bind :81"), 5, 5, false},
	{"haproxy", ALL, G F("b", "80\n  bind :81 maxconn 5"), 9900, 9900, false},
	{"haproxy", ALL, G F("b", "80\n  maxconn 0"), 9900, 9900, false},
	{"haproxy", ALL, G "defaults\n  maxconn 50\n" F("b", "80\n  maxconn 0"), 9900, 9900, false},
	/* The parameter is that of each socket. */
	{"haproxy", "0.0.0.0:80,0.0.0.0:81", G F("b", "80,:81 maxconn 5"), 9900, 5, false},
	{"haproxy", ALL, G F("b", "80-81 maxconn 5"), 9900, 5, false},
	{"haproxy", ALL, G F("b", "80 maxconn 5 shards 4"), 9900, 5, false},
	{"haproxy", ALL, G "  tune.listener.default-shards by-thread\n" F("b", "80 maxconn 5"), 5,
	 5, true},
	/* The socket of commands. */
	{"haproxy", ALL ",unix:/run/admin", G "  stats socket /run/admin\n" F("a", "80"), 9900,
	 9900, false},
	{"haproxy", "unix:/run/b", G F("a", "80"), 9900, 0, false},
	/* Of peers, logs and commands. */
	{"haproxy", ALL ",0.0.0.0:81", G F("a", "80") "peers p\n  bind :81\n  server a\n", 9900,
	 9900, false},
	{"haproxy", ALL ",10.0.0.1:81", "peers p\n  peer a 10.0.0.1:81\n" G F("a", "80"), 9900,
	 9900, false},
	{"haproxy", ALL ",10.0.0.1:81", "peers p\n  peer a 10.0.0.2:81\n" G F("a", "80"), 9900, 0,
	 false},
	{"haproxy", ALL ",0.0.0.0:81", G F("a", "80") "log-forward l\n  bind *:81\n", 9900, 9900,
	 false},
	{"haproxy", ALL ",0.0.0.0:81", G "  stats socket ipv4@*:81 level admin\n" F("a", "80"),
	 9900, 9900, false},
	{"haproxy", ALL ",0.0.0.0:81", G "  stats socket \"${S}\"\n" F("a", "80"), 9900, 0, false},
	{"haproxy", ALL ",0.0.0.0:81", G "  stats socket fd@3\n" F("a", "80"), 9900, 0, false},
	{"haproxy", ALL ",0.0.0.0:81", G F("a", "80") "backend b\n  server a 0.0.0.0:81\n", 9900, 0,
	 false},
	{"haproxy", ALL, G F("a", "80") "backend b\n  server a :80 maxconn 5\n", 9900, 9900, false},
	{"haproxy", ALL, G F("a", "80") ".if defined(B)\n  maxconn 5\n.endif\n", 5, 5, true},
	/* Addresses. */
	{"haproxy", "10.0.0.1:80",
	 G "listen a\n  bind 10.0.0.1:80\nlisten b\n  bind 10.0.0.2:80\n  maxconn 5\n", 9900, 9900,
	 false},
	{"haproxy", "[::]:80", G "listen a\n  bind :::80 v6only\n  maxconn 5\n" F("b", "80"), 9900,
	 5, false},
	{"haproxy", "[::1]:80", G "listen a\n  bind ipv6@[0::1]:80\n  maxconn 5\n", 5, 5, false},
	{"haproxy", ALL,
	 G F("a", "80") "listen b\n  bind /run/b\n  bind unix@c\n  bind quic4@:80\n  maxconn 5\n",
	 9900, 9900, false},
	{"haproxy", "unix:/run/b", G "listen b\n  bind unix@/run/b\n  maxconn 5\n" F("a", "80"), 5,
	 5, false},
	{"haproxy", ALL, G F("a", "80") "listen b\n  bind \"${B}:80\"\n  maxconn 5\n", 9900, 5,
	 false},
	{"haproxy", ALL, G F("a", "80") "listen b\n  bind host:80\n  maxconn 5\n", 9900, 5, false},
	{"haproxy", ALL, G F("a", "80") "listen b\n  bind host:81\n  maxconn 5\n", 9900, 9900,
	 false},
	{"haproxy", ALL, G F("a", "80") "listen b\n  bind fd@3\n  maxconn 5\n", 9900, 5, false},
};

static void the_limit_of_a_text_is_that_for_its_listeners(void **state)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const struct server_row *row = server_row_find(limits[i].server);
		struct edit_limit limit;
		struct err e = {0};
		print_message("%zu %s\n", i, limits[i].text);
		assert_int_equal(edit_limit(&row->file, &row->set[CLIENTS], limits[i].listeners,
					    limits[i].text, EDIT_NONE, &limit, &e),
				 0);
		assert_int_equal(limit.value, limits[i].value);
		assert_int_equal(limit.least, limits[i].least);
		assert_int_equal(limit.elsewhere, limits[i].elsewhere);
	}
}

#define D "defaults\n"
#define WEB(text) "events { } http { server { location / { " text " } } }"

/* Directives besides that of the limit; NULL: none may limit further. */
static const struct {
	const char *server, *text, *further;
	bool doubles;
} furthers[] = {
	{"nginx", WEB("limit_conn a 5;"), "limit_conn", false},
	{"nginx", WEB("limit_req zone=a;"), "limit_req", false},
	{"nginx", WEB("limit_conn_zone a; limit_rate 5;"), NULL, false},
	{"nginx", WEB("proxy_pass http://a;"), NULL, true},
	{"nginx", WEB("if ($a) { fastcgi_pass a; }"), NULL, true},
	{"nginx", WEB("limit_except GET { proxy_pass http://a; }"), NULL, true},
	{"nginx", "events { } stream { server { proxy_pass a; } }", NULL, true},
	{"nginx", WEB("if ($a) { return 429; }"), "return", false},
	{"nginx", WEB("if ($a) { return 404; }"), NULL, false},
	{"nginx", "events { } stream { server { limit_conn a 5; } }", "limit_conn", false},
	{"nginx", "events { } http { upstream a { server b max_conns=5; } }", "server", false},
	{"nginx", "events { } http { upstream a { server b weight=5; } }", NULL, false},
	{"redis-server", "MaxMemory-Clients 5%\n", "maxmemory-clients", false},
	{"redis-server", "maxmemory-clients 0\n", NULL, false},
	{"haproxy", G "  maxconnrate 5\n" F("a", "80"), "maxconnrate", false},
	{"haproxy", G "  maxconnrate 0\n" F("a", "80"), NULL, false},
	{"haproxy", G "  maxsessrate 5\n" F("a", "80"), "maxsessrate", false},
	{"haproxy", G D "  rate-limit sessions 5\n" F("a", "80"), "rate-limit sessions", false},
	{"haproxy", G F("a", "80\n  rate-limit sessions 5"), "rate-limit sessions", false},
	{"haproxy", G "frontend a\n  rate-limit sessions 5\n  bind :80\n", "rate-limit sessions",
	 false},
	{"haproxy", G F("a", "80\n  tcp-request connection reject if { src_conn_cur gt 5 }"),
	 "tcp-request connection reject", false},
	{"haproxy", G F("a", "80\n  tcp-request connection track-sc0 src"), NULL, false},
	{"haproxy",
	 G F("a", "80\n  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 9 }"),
	 "http-request deny", false},
	{"haproxy", G F("a", "80\n  http-request deny status 429 if abuse"), "http-request deny",
	 false},
	{"haproxy", G F("a", "80\n  http-request deny content-type text/plain status 429"),
	 "http-request deny", false},
	{"haproxy", G F("a", "80\n  http-request deny if { sc0_conn_cur gt 9 }"),
	 "http-request deny", false},
	{"haproxy",
	 G F("a", "80\n  acl abuse sc_http_req_rate(0) gt 9\n  http-request deny if abuse"), "acl",
	 false},
	{"haproxy", G F("a", "80\n  http-request return status 429 if abuse"),
	 "http-request return", false},
	{"haproxy", G F("a", "80\n  http-request reject if { sc0_conn_cur gt 9 }"),
	 "http-request reject", false},
	{"haproxy", G F("a", "80\n  http-request tarpit if { sc0_conn_cur gt 9 }"),
	 "http-request tarpit", false},
	{"haproxy", G F("a", "80\n  http-request silent-drop if { sc0_conn_cur gt 9 }"),
	 "http-request silent-drop", false},
	{"haproxy", G F("a", "80") "backend b\n  http-request deny status 429\n",
	 "http-request deny", false},
	/* By what a client asks for, not by how often. */
	{"haproxy", G F("a", "80\n  http-request deny if { path_beg /admin } !{ src 10.0.0.0/8 }"),
	 NULL, false},
	{"haproxy",
	 G F("a", "80\n  acl ours src 10.0.0.0/8\n  http-request deny status 403 if !ours"), NULL,
	 false},
	{"haproxy", G F("a", "80\n  http-request return status 200 if { path /up }"), NULL, false},
	{"haproxy", G F("a", "80\n  http-request reject if { path_beg /.git }"), NULL, false},
	{"haproxy",
	 G F("a", "80\n  acl src_internal src 10.0.0.0/8\n  http-request tarpit if !src_internal"),
	 NULL, false},
	{"haproxy", G F("a", "80\n  acl low src_port lt 1024"), NULL, false},
	{"haproxy", G F("a", "80\n  http-request tarpit deny_status 429 if abuse"),
	 "http-request tarpit", false},
	{"haproxy", G F("a", "80") F("b", "81\n  rate-limit sessions 5"), NULL, false},
	{"haproxy", G F("a", "80") "backend b\n  rate-limit sessions 5\n", NULL, false},
	{"haproxy", G F("a", "80") "backend b\n  server c :81 maxconn 5 maxqueue 9\n", "server",
	 false},
	{"haproxy", G "listen a\n  bind :80\n  server c :81 check maxconn 5\n", "server", false},
	{"haproxy", G D "  default-server maxconn 5\n" F("a", "80"), "default-server", false},
	{"haproxy", G F("a", "80") "backend b\n  fullconn 5\n  server c :81 weight 9\n", NULL,
	 false},
};

static void a_directive_that_may_limit_further_is_found(void **state)
{
	for (size_t i = 0; i < sizeof(furthers) / sizeof(*furthers); i++) {
		const struct server_row *row = server_row_find(furthers[i].server);
		struct edit_limit limit;
		print_message("%zu %s\n", i, furthers[i].text);
		assert_int_equal(edit_limit(&row->file, &row->set[CLIENTS], ALL, furthers[i].text,
					    EDIT_NONE, &limit, NULL),
				 0);
		assert_int_equal(!limit.further, !furthers[i].further);
		if (limit.further)
			assert_string_equal(limit.further, furthers[i].further);
		assert_int_equal(limit.doubles, furthers[i].doubles);
	}
}

/* Sections lower it for their own listeners. */
static void the_limit_above_the_sections_is_kept(void **state)
{
	const struct server_row *row = server_row_find("haproxy");
	struct edit_limit limit;
	assert_int_equal(edit_limit(&row->file, &row->set[CLIENTS], ALL,
				    G F("a", "80\n  maxconn 5"), EDIT_NONE, &limit, NULL),
			 0);
	assert_int_equal(limit.value, 5);
	assert_int_equal(limit.shared, 9900);
}

/* Of the section of the limit, which replaces RLIMIT_NOFILE where that is not set. */
static void a_limit_on_descriptors_is_read_beside_it(void **state)
{
	static const struct {
		const char *server, *text;
		uint64_t files;
	} rows[] = {
		{"haproxy", "global\n  fd-hard-limit 1000\n" F("a", "80"), 1000},
		{"haproxy", "global\n  fd-hard-limit 0\n" F("a", "80"), EDIT_NONE},
		{"haproxy",
		 "defaults\n"
		 "  fd-hard-limit 1000\n" F("a", "80"),
		 EDIT_NONE},
		{"nginx", "events { } worker_rlimit_nofile 1000;", EDIT_NONE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct server_row *row = server_row_find(rows[i].server);
		struct edit_limit limit;
		assert_int_equal(edit_limit(&row->file, &row->set[CLIENTS], ALL, rows[i].text,
					    EDIT_NONE, &limit, NULL),
				 0);
		assert_int_equal(limit.files, rows[i].files);
		assert_int_equal(limit.value, EDIT_NONE);
	}
}

static void an_option_replaces_the_limit_above_the_sections(void **state)
{
	const struct server_row *row = server_row_find("haproxy");
	struct edit_limit limit;
	assert_int_equal(
		edit_limit(&row->file, &row->set[CLIENTS], ALL, G F("a", "80"), 70, &limit, NULL),
		0);
	assert_int_equal(limit.value, 70);
	assert_int_equal(edit_limit(&row->file, &row->set[CLIENTS], ALL,
				    G F("a", "80\n  maxconn 5"), 70, &limit, NULL),
			 0);
	assert_int_equal(limit.value, 5);
}

/* What is included in the place of the limit; "": nothing. */
static const struct {
	const char *server, *text, *name, *before;
} included[] = {
	{"nginx", "include a; events { include \"b\"; include c; }", "b", "include a; events { "},
	{"nginx", "include a; http { include b; }", "a", ""},
	{"nginx", "http { include b; } events { }", "", ""},
	{"redis-server", "a 1\ninclude /b\n", "/b", "a 1\n"},
	{"haproxy", "global\n  include a\n", "", ""},
};

static void an_included_file_is_found_where_it_counts(void **state)
{
	for (size_t i = 0; i < sizeof(included) / sizeof(*included); i++) {
		const struct server_row *row = server_row_find(included[i].server);
		struct edit_included found = {0};
		print_message("%zu %s\n", i, included[i].text);
		assert_int_equal(edit_included_find(&row->file, &row->set[CLIENTS],
						    included[i].text, 0, &found),
				 *included[i].name != 0);
		assert_string_equal(found.name, included[i].name);
		assert_int_equal(found.begin, strlen(included[i].before));
	}
}

static void an_included_file_is_found_in_any_section(void **state)
{
	static const char text[] = "events { } http { include b; server { include c; } }";
	const struct server_row *row = server_row_find("nginx");
	struct edit_included found;
	assert_true(edit_included_find(&row->file, NULL, text, 0, &found));
	assert_string_equal(found.name, "b");
	assert_true(edit_included_find(&row->file, NULL, text, found.end, &found));
	assert_string_equal(found.name, "c");
	assert_false(edit_included_find(&row->file, NULL, text, found.end, &found));
}

/* What the line for a limit of 144 becomes: the command or the text of the file. */
static void line_is(const char *server, const char *command, const char *want, const char *error)
{
	const struct guest r = {.command = command, .port = 8080};
	struct guest_line line;
	struct host *h;
	struct err e = {0};
	assert_int_equal(host_open(&h, "/", &e), 0);
	int rc = guest_line_make(&r, h, server, CLIENTS, 144, &line, &e);
	const char *got = line.command ? line.command : line.file_count ? line.file[0].text : "";
	print_message("%s\n", command);
	assert_int_equal(rc, error ? -ENOTSUP : 0);
	assert_string_equal(got, want);
	if (error)
		assert_non_null(strstr(e.text, error));
	guest_line_free(&line);
	host_close(h);
}

/* Another class would run another application. */
static void a_worker_class_is_kept(void **state)
{
	static const char unknown[] = "what limits the worker class";
	line_is("gunicorn", "gunicorn app",
		"gunicorn app --worker-class gevent --worker-connections 144", NULL);
	line_is("gunicorn", "gunicorn -k sync app",
		"gunicorn -k sync app --worker-class gevent --worker-connections 144", NULL);
	line_is("gunicorn", "gunicorn -k gthread --worker-connections 9 app",
		"gunicorn -k gthread --worker-connections 9 app --worker-connections 144", NULL);
	line_is("gunicorn", "gunicorn --threads 4 app",
		"gunicorn --threads 4 app --worker-connections 144", NULL);
	line_is("gunicorn", "gunicorn -k tornado app", "", unknown);
	line_is("gunicorn", "gunicorn --worker-class=uvicorn.workers.UvicornWorker app", "",
		unknown);
	line_is("gunicorn", "gunicorn -k $CLASS app", "", unknown);
}

static void a_prefix_of_nginx_is_where_names_begin(void **state)
{
	char directory[] = "/tmp/epolltune-edit-XXXXXX", path[64], command[160];
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/a.conf", directory);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs("events { worker_connections 9; }", out);
	assert_int_equal(fclose(out), 0);
	snprintf(command, sizeof(command), "nginx -p %s -c a.conf", directory);
	line_is("nginx", command, "events { worker_connections 144; }", NULL);
	snprintf(command, sizeof(command), "nginx -p%s/ -ca.conf", directory);
	line_is("nginx", command, "events { worker_connections 144; }", NULL);
	snprintf(command, sizeof(command), "cd / && nginx -c a.conf -p %s", directory);
	line_is("nginx", command, "events { worker_connections 144; }", NULL);
	line_is("nginx", "nginx -p conf -c a.conf", "", "directory of its configuration");
	line_is("nginx", "nginx -c a.conf", "", "directory of its configuration");
	line_is("nginx", "nginx -p /x -c $A", "", "the shell expands");
	unlink(path);
	rmdir(directory);
}

static void upstream_append(const struct server_upstream *u, void *arg)
{
	char *all = arg, endpoint[256];
	bool known = !u->path && server_upstream_endpoint(u->address, endpoint, sizeof(endpoint));
	snprintf(all + strlen(all), 256 - strlen(all), "%s%s", *all ? " " : "",
		 u->path ? u->path
		 : known ? endpoint
			 : "-");
}

static void upstreams_name_addresses(void **state)
{
	static const struct {
		const char *server, *text, *want;
	} rows[] = {
		{"nginx", "http { server { location / { proxy_pass http://unix:/run/a:/x/; } } }",
		 "/run/a"},
		{"nginx", "http { upstream a { server unix:/run/a max_conns=9; server b:80; } }",
		 "/run/a b:80"},
		{"nginx",
		 "http { server { location / { if ($a) { uwsgi_pass unix:/run/a; }\n"
		 "fastcgi_pass \"unix:/run/b\"; } location /c { grpc_pass grpc://unix:/run/c; } } }",
		 "/run/a /run/b /run/c"},
		{"nginx", "stream { server { listen unix:/run/l; proxy_pass unix:/run/a; } }",
		 "/run/a"},
		{"nginx", "http { server { location / { proxy_pass http://app/unix:/run/a; } } }",
		 "app:80"},
		{"nginx",
		 "http { server { location / { proxy_pass http://a; } location /b { proxy_pass "
		 "http://b; } location /c { proxy_pass unix:/run/c; } } }",
		 "a:80 b:80 /run/c"},
		{"nginx",
		 "http { server { location / { proxy_pass https://localhost/x; } location /b { "
		 "proxy_pass http://[::1]:81/; } location /c { grpc_pass [::1]; } } }",
		 "localhost:443 [::1]:81 [::1]:80"},
		{"haproxy", "backend b\n dispatch 10.0.0.1:80\n server a /run/a\n",
		 "10.0.0.1:80 /run/a"},
		{"nginx", "http { server { location / { proxy_pass http://unix:/run/$app; } } }",
		 "-"},
		{"nginx",
		 "http { upstream app { server unix:/run/a; } server { location / { proxy_pass "
		 "http://app/x; } location /y { proxy_pass http://$app; } } }",
		 "/run/a -"},
		{"nginx", "http { server { # proxy_pass http://unix:/run/a;\n } }", ""},
		{"haproxy",
		 "global\n stats socket /run/admin\nfrontend f\n bind /run/f\nbackend b\n"
		 " server a /run/a check\n server b unix@/run/b\n server c 10.0.0.1:80\n"
		 " server d abns@d\n server e ipv4@127.0.0.1:90\n server f fd@7\n",
		 "/run/a /run/b 10.0.0.1:80 @d 127.0.0.1:90 -"},
		{"redis-server", "unixsocket /run/redis\n", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char all[256] = "";
		server_upstreams_each(server_row_find(rows[i].server), rows[i].text,
				      upstream_append, all);
		assert_string_equal(all, rows[i].want);
	}
}

static void pool_append(const struct server_upstream *u, void *arg)
{
	char *all = arg;
	uint32_t *last = (uint32_t *)(void *)(all + 256);
	snprintf(all + strlen(all), 256 - strlen(all), "%s%s",
		 !*all              ? ""
		 : u->pool == *last ? " = "
				    : " | ",
		 u->off ? "off" : u->address);
	*last = u->pool;
}

/* "a = b": these get even parts of a load. */
static void upstreams_share_the_load_of_a_section(void **state)
{
	static const struct {
		const char *server, *text, *want;
	} rows[] = {
		{"haproxy", "backend a\n server a :1\n server b :2 check\n", ":1 = :2"},
		{"haproxy", "backend a\n server a :1\nbackend b\n server b :2\n", ":1 | :2"},
		{"haproxy", "backend a\n server a :1\n server b :2 backup\n", ":1 | :2"},
		{"haproxy", "backend a\n server a :1\n server b :2 disabled\n", ":1 = off"},
		{"haproxy", "backend a\n server a :1 weight 9\n server b :2\n server c :3\n",
		 ":1 | :2 = :3"},
		{"haproxy", "backend a\n server a :1 weight 9\n server b :2 weight 9\n", ":1 = :2"},
		{"haproxy", "backend a\n server a :1 weight 0\n", "off"},
		/* A name is none of these words. */
		{"haproxy", "backend a\n server a :1\n server backup :2\n", ":1 = :2"},
		{"nginx", "http { upstream a { server b:1; server b:2; } }", "b:1 = b:2"},
		{"nginx", "http { upstream a { server b:1; } upstream c { server b:2; } }",
		 "b:1 | b:2"},
		{"nginx",
		 "http { upstream a { server b:1 weight=5; server b:2; server b:3 down; } }",
		 "b:1 | b:2 = off"},
		{"nginx", "http { upstream a { server b:1; server b:2 backup; } }", "b:1 | b:2"},
		{"nginx",
		 "http { server { location / { proxy_pass http://b:1; proxy_pass http://b:2; } } }",
		 "http://b:1 | http://b:2"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct {
			char all[256];
			uint32_t last;
		} found = {0};
		server_upstreams_each(server_row_find(rows[i].server), rows[i].text, pool_append,
				      &found);
		assert_string_equal(found.all, rows[i].want);
	}
}

static void endpoints_are_over_loopback(void **state)
{
	static const struct {
		const char *endpoint;
		bool near;
	} rows[] = {
		{"127.0.0.1:80", true},
		{"127.8.0.1:80", true},
		{"localhost:80", true},
		{"[::1]:80", true},
		{"[0:0:0:0:0:0:0:1]:80", true},
		{"[::ffff:127.0.0.1]:80", true},
		{"10.0.0.1:80", false},
		{"[fe80::1]:80", false},
		{"app:80", false},
		{"127.example:80", false},
		{"localhost.example:80", false},
		{"", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (server_upstream_is_near(rows[i].endpoint) != rows[i].near)
			fail_msg("%s", rows[i].endpoint);
}

static void count_it(struct listener *l, void *arg) { *(size_t *)arg += 1; }

static void an_upstream_may_be_a_listener_of_this_machine(void **state)
{
	static const struct {
		const char *address, *listener;
		bool reaches;
	} rows[] = {
		{"127.0.0.1:8080", "127.0.0.1:8080", true},
		{"127.0.0.1:8080", "127.0.0.1:8081", false},
		{"127.0.0.1:8080", "127.0.0.2:8080", false},
		{"127.0.0.9:8080", "0.0.0.0:8080", true},
		{"ipv4@127.0.0.1:8080", "0.0.0.0:8080", true},
		{"[::1]:8080", "[::]:8080", true},
		{"[0:0:0:0:0:0:0:1]:8080", "[::1]:8080", true},
		{"127.0.0.1:8080", "[::]:8080", true},
		{"localhost:8080", "[::1]:8080", true},
		{"http://localhost:8080/x", "127.0.0.1:8080", true},
		{"http://127.0.0.1/x", "0.0.0.0:80", true},
		{"https://[::1]", "[::]:443", true},
		{"127.0.0.1", "0.0.0.0:80", true},
		/* Of another machine, or not known. */
		{"192.0.2.1:8080", "0.0.0.0:8080", false},
		{"app:8080", "0.0.0.0:8080", false},
		{"$host:8080", "0.0.0.0:8080", false},
		{"127.0.0.1:$port", "0.0.0.0:8080", false},
		{"unix:/run/a", "unix:/run/a", true},
		{"http://unix:/run/a:/x", "unix:/run/a", true},
		{"/run/b", "unix:/run/a", false},
		{"abns@in", "unix:@in", true},
		{"abns@in", "127.0.0.1:80", false},
		{"127.0.0.1:80", "unix:/run/a", false},
		{"", "0.0.0.0:80", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listener l = {.kind = LISTENER_UNIX};
		struct listeners all = {.at = &l, .count = 1};
		const struct subject s = {.pid = getpid()};
		const char *port = strrchr(rows[i].listener, ':');
		struct server_upstream u = {.address = rows[i].address};
		char path[256];
		size_t count = 0;
		snprintf(l.address, sizeof(l.address), "%s", rows[i].listener);
		if (strncmp(l.address, "unix:", 5) != 0) {
			l.kind = LISTENER_TCP;
			l.port = (uint16_t)strtoul(port + 1, NULL, 10);
			l.ipv6 = l.address[0] == '[';
		}
		if (server_upstream_path(u.address, path, sizeof(path)))
			u.path = path;
		struct listener_table *table = listener_table_make(&all);
		subject_upstream_find(&s, &all, table, &u, count_it, &count);
		listener_table_free(&table);
		if ((count > 0) != rows[i].reaches)
			fail_msg("%s %s", rows[i].address, rows[i].listener);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_changed_in_its_place),
		cmocka_unit_test(one_of_several_files_has_the_parameter),
		cmocka_unit_test(a_socket_is_found_by_its_path),
		cmocka_unit_test(included_files_have_the_section_around_them),
		cmocka_unit_test(a_command_gets_an_option_more),
		cmocka_unit_test(a_script_names_the_server),
		cmocka_unit_test(an_option_is_read_from_a_command),
		cmocka_unit_test(an_option_acts_with_some_classes),
		cmocka_unit_test(a_command_is_understood_word_by_word),
		cmocka_unit_test(a_worker_class_is_kept),
		cmocka_unit_test(a_prefix_of_nginx_is_where_names_begin),
		cmocka_unit_test(the_first_command_keeps_the_directory),
		cmocka_unit_test(the_limit_of_a_text_is_that_for_its_listeners),
		cmocka_unit_test(a_directive_that_may_limit_further_is_found),
		cmocka_unit_test(the_limit_above_the_sections_is_kept),
		cmocka_unit_test(an_option_replaces_the_limit_above_the_sections),
		cmocka_unit_test(a_limit_on_descriptors_is_read_beside_it),
		cmocka_unit_test(numbers_of_a_limit_are_found),
		cmocka_unit_test(an_included_file_is_found_where_it_counts),
		cmocka_unit_test(an_included_file_is_found_in_any_section),
		cmocka_unit_test(upstreams_name_addresses),
		cmocka_unit_test(upstreams_share_the_load_of_a_section),
		cmocka_unit_test(endpoints_are_over_loopback),
		cmocka_unit_test(an_upstream_may_be_a_listener_of_this_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
