/* Ports in use by destination, in a network namespace of the test. */
#include "../support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/ports_used.h"

#define CONNECTIONS 1600

static struct host *live;
static int refused; /* errno of unshare() */

/* Counts what libnl receives. */
static size_t received_bytes;
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, message, flags);
	if (n > 0 && !(flags & MSG_PEEK))
		received_bytes += (size_t)n;
	return n;
}

static void range_set(const char *range)
{
	file_write("/proc/sys/net/ipv4/ip_local_port_range", range);
}

static void reserved_set(const char *ports)
{
	file_write("/proc/sys/net/ipv4/ip_local_reserved_ports", ports);
}

static int prepare(void **state)
{
	struct err e;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (host_open(&live, "/", &e) || setrlimit(RLIMIT_NOFILE, &files))
		return -1;
	refused = namespace_enter();
	return 0;
}

static int namespace_leave(void **state)
{
	host_close(live);
	return 0;
}

static int begin(void **state)
{
	struct ports_used u;
	struct err e = {0};
	if (refused)
		skip_because("user namespaces are refused: %s", strerror(refused));
	range_set("40000 40099");
	reserved_set("\n");
	int r = ports_used_read(live, NULL, &u, &e);
	ports_used_free(&u);
	if (r == -EOPNOTSUPP)
		skip_because("%s", e.text);
	assert_int_equal(r, 0);
	return 0;
}

struct address {
	struct sockaddr_storage at;
	socklen_t size;
};

static struct address address_make(const char *text, uint16_t port)
{
	struct address a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.at;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		a.size = sizeof(*v4);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		a.size = sizeof(*v6);
	}
	return a;
}

/* A server and its clients. */
struct pairs {
	int listener;
	size_t count;
	int clients[CONNECTIONS], servers[CONNECTIONS];
};

static struct pairs *pairs_listen(const char *address, uint16_t port)
{
	struct pairs *p = calloc(1, sizeof(*p));
	struct address a = address_make(address, port);
	int on = 1;
	assert_non_null(p);
	p->listener = socket(a.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(p->listener, (struct sockaddr *)&a.at, a.size) || listen(p->listener, 16))
		fail_msg("%s port %u: %s", address, port, strerror(errno));
	return p;
}

/* A local port of 0: the kernel chooses. Returns 0 or errno. */
static int pairs_connect(struct pairs *p, const char *address, uint16_t port, uint16_t local)
{
	struct address to = address_make(address, port),
		       from = address_make(strchr(address, ':') ? "::" : "0.0.0.0", local);
	int fd = socket(to.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0 && p->count < CONNECTIONS);
	if ((local && bind(fd, (struct sockaddr *)&from.at, from.size)) ||
	    connect(fd, (struct sockaddr *)&to.at, to.size)) {
		int error = errno;
		close(fd);
		return error;
	}
	p->clients[p->count] = fd;
	p->servers[p->count] = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(p->servers[p->count++] >= 0);
	return 0;
}

static void pairs_fill(struct pairs *p, const char *address, uint16_t port, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pairs_connect(p, address, port, 0), 0);
}

static void pairs_reset(int fd)
{
	struct linger now = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void pairs_end(struct pairs *p)
{
	for (size_t i = 0; i < p->count; i++) {
		pairs_reset(p->clients[i]);
		pairs_reset(p->servers[i]);
	}
	close(p->listener);
	free(p);
}

static struct ports_used read_now(void)
{
	struct ports_used u;
	struct err e = {0};
	if (ports_used_read(live, NULL, &u, &e))
		fail_msg("%s", e.text);
	return u;
}

static void destination_is(const struct ports_to *to, const char *source, const char *destination,
			   uint32_t used, uint32_t waiting)
{
	if (strcmp(to->source, source) != 0 || strcmp(to->destination, destination) != 0 ||
	    to->used != used || to->waiting != waiting || !to->loopback)
		fail_msg("%s to %s: %u used, %u in TIME_WAIT", to->source, to->destination,
			 to->used, to->waiting);
}

static void a_destination_with_most_ports_is_named(void **state)
{
	struct pairs *full = pairs_listen("127.0.0.1", 80), *other = pairs_listen("127.0.0.1", 81);
	pairs_fill(other, "127.0.0.1", 81, 60);
	pairs_fill(full, "127.0.0.1", 80, 79);
	struct ports_used u = read_now();
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:80", 79, 0);
	destination_is(&u.at[1], "127.0.0.1", "127.0.0.1:81", 60, 0);
	/* Owners are looked for where ports are nearly used up. */
	assert_int_equal(u.at[0].owner, -1);
	ports_used_free(&u);
	pairs_fill(full, "127.0.0.1", 80, 6);
	u = read_now();
	assert_int_equal(u.count, 2);
	assert_int_equal(u.available, 100);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:80", 85, 0);
	assert_int_equal(u.process_count, 1);
	assert_int_equal(u.processes[u.at[0].owner].pid, getpid());
	ports_used_free(&u);
	pairs_fill(full, "127.0.0.1", 80, 15);
	assert_int_equal(pairs_connect(full, "127.0.0.1", 80, 0), EADDRNOTAVAIL);
	pairs_fill(other, "127.0.0.1", 81, 25);
	u = read_now();
	assert_int_equal(u.count, 2);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:80", 100, 0);
	destination_is(&u.at[1], "127.0.0.1", "127.0.0.1:81", 85, 0);
	assert_int_equal(u.from_count, 1);
	assert_int_equal(u.from[0].used, 100);
	assert_int_equal(u.from[0].shared, 85);
	assert_false(ports_from_bound(&u, &u.from[0]));
	assert_int_equal(u.others.used, 100);
	assert_int_equal(u.others.shared, 85);
	assert_int_equal(ports_others_bound(&u.others), 0);
	ports_used_free(&u);
	pairs_end(full);
	pairs_end(other);
}

/* As bind() does without IP_BIND_ADDRESS_NO_PORT. */
static void bound_ports_are_not_shared(void **state)
{
	struct pairs *one = pairs_listen("127.0.0.1", 91), *other = pairs_listen("127.0.0.1", 92),
		     *server = pairs_listen("127.0.0.1", 40099);
	for (uint16_t port = 40000; port < 40090; port++) {
		bool odd = port % 2;
		assert_int_equal(pairs_connect(odd ? other : one, "127.0.0.1", odd ? 92 : 91, port),
				 0);
	}
	/* The port of a server in the range is not shared by connect(). */
	pairs_fill(server, "127.0.0.1", 40099, 2);
	struct ports_used u = read_now();
	assert_int_equal(u.from_count, 1);
	assert_in_range(u.from[0].used, 90, 92);
	assert_int_equal(u.from[0].largest, 45);
	assert_int_equal(u.from[0].shared, 0);
	assert_true(ports_from_bound(&u, &u.from[0]));
	assert_int_equal(u.processes[u.at[u.from[0].to].owner].pid, getpid());
	/* Without a subject all are those of others. */
	assert_in_range(u.others.used, 90, 92);
	assert_in_range(ports_others_bound(&u.others), 90, 92);
	assert_int_equal(u.processes[u.others.owner].pid, getpid());
	ports_used_free(&u);
	/* All are this process' own, without that of the server likewise. */
	struct process here;
	struct err e = {0};
	assert_int_equal(process_read(live, getpid(), &here, &e), 0);
	struct subject self = {.pid = here.root};
	snprintf(self.name, sizeof(self.name), "%s", here.name);
	assert_int_equal(ports_used_read(live, &self, &u, &e), 0);
	assert_int_equal(u.from_count, 1);
	assert_int_equal(u.from[0].own, u.from[0].used);
	assert_int_equal(u.others.used, 0);
	ports_used_free(&u);
	reserved_set("40000-40079");
	u = read_now();
	assert_in_range(u.others.used, 10, 12);
	ports_used_free(&u);
	pairs_end(one);
	pairs_end(other);
	pairs_end(server);
}

/* The kernel chooses a port of that address. With `to` it is connected. */
static int bind_any(const char *address, const struct pairs *p, uint16_t to)
{
	struct address from = address_make(address, 0), at = address_make("127.0.0.1", to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&from.at, from.size) ||
	    (p && connect(fd, (struct sockaddr *)&at.at, at.size)))
		fail_msg("%s: %s", address, strerror(errno));
	if (p)
		close(accept4(p->listener, NULL, NULL, SOCK_CLOEXEC));
	return fd;
}

/* connect() takes none of them, from any address to any destination. */
static void ports_that_bind_chose_are_counted_once(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 95);
	int fds[80];
	size_t count = 0;
	pairs_fill(p, "127.0.0.1", 95, 30);
	for (; count < 60; count++)
		fds[count] = bind_any(count % 2 ? "127.0.0.2" : "127.0.0.3", p, 95);
	struct ports_used u;
	struct process here;
	struct err e = {0};
	assert_int_equal(process_read(live, getpid(), &here, &e), 0);
	struct subject self = {.pid = here.root};
	snprintf(self.name, sizeof(self.name), "%s", here.name);
	assert_int_equal(ports_used_read(live, &self, &u, &e), 0);
	assert_int_equal(u.from_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(u.from[i].binds,
				 u.from[i].own == 30 &&
					 strcmp(u.at[u.from[i].to].source, "127.0.0.1") != 0);
	ports_used_free(&u);
	u = read_now();
	/* Of both addresses some are the same. */
	assert_int_equal(u.at[0].used, 30);
	assert_int_equal(u.at[0].bound, 0);
	assert_in_range(u.others.bound, 30, 50);
	assert_int_equal(ports_others_bound(&u.others), u.others.bound);
	uint32_t connected = u.others.bound;
	ports_used_free(&u);
	for (; count < 80; count++)
		fds[count] = bind_any("127.0.0.4", NULL, 0);
	u = read_now();
	/* Since 6.8 the kernel lists sockets that are only bound. */
	assert_in_range(u.others.bound, connected, connected + 20);
	/* connect() has the others, and no more. */
	int refused_at = 0;
	while (!refused_at && p->count < 100)
		refused_at = pairs_connect(p, "127.0.0.1", 95, 0);
	assert_int_equal(refused_at, EADDRNOTAVAIL);
	if (host_kernel(live) >= KERNEL(6, 8))
		assert_int_equal(p->count, 100 - u.others.bound);
	ports_used_free(&u);
	while (count)
		pairs_reset(fds[--count]);
	pairs_end(p);
}

static void ipv6_is_counted(void **state)
{
	struct pairs *six = pairs_listen("::1", 82);
	pairs_fill(six, "::1", 82, 85);
	struct ports_used u = read_now();
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "::1", "[::1]:82", 85, 0);
	ports_used_free(&u);
	pairs_end(six);
}

/* An IPv6 socket that is connected to an IPv4 address takes a port of the same. */
static void mapped_addresses_are_ipv4(void **state)
{
	struct pairs *both = pairs_listen("127.0.0.1", 83);
	pairs_fill(both, "127.0.0.1", 83, 45);
	pairs_fill(both, "::ffff:127.0.0.1", 83, 40);
	struct ports_used u = read_now();
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:83", 85, 0);
	ports_used_free(&u);
	pairs_end(both);
}

static uint32_t waiting_now(void)
{
	struct ports_used u = read_now();
	uint32_t waiting = u.count ? u.at[0].waiting : 0;
	ports_used_free(&u);
	return waiting;
}

static void time_wait_is_counted_apart(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 84);
	pairs_fill(p, "127.0.0.1", 84, 90);
	char end;
	for (size_t i = 0; i < 50; i++) {
		close(p->clients[i]);
		assert_int_equal(read(p->servers[i], &end, 1), 0);
		close(p->servers[i]);
	}
	WAIT_UNTIL(waiting_now() == 50);
	struct ports_used u = read_now();
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:84", 90, 50);
	assert_true(u.at[0].owner >= 0);
	ports_used_free(&u);
	for (size_t i = 50; i < 90; i++) {
		close(p->clients[i]);
		assert_int_equal(read(p->servers[i], &end, 1), 0);
		close(p->servers[i]);
	}
	WAIT_UNTIL(waiting_now() == 90);
	u = read_now();
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:84", 90, 90);
	/* No process holds a socket in TIME_WAIT. */
	assert_int_equal(u.at[0].owner, -1);
	assert_false(u.hidden);
	ports_used_free(&u);
	p->count = 0;
	pairs_end(p);
}

static void reserved_ports_are_not_available(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 85);
	reserved_set("40050-40099");
	pairs_fill(p, "127.0.0.1", 85, 40);
	struct ports_used u = read_now();
	assert_int_equal(u.available, 50);
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:85", 40, 0);
	ports_used_free(&u);
	pairs_end(p);
}

/* A larger range is sampled, in windows that miss no large part of it. */
static void a_larger_range_is_counted_exactly(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 86);
	range_set("40000 41999");
	pairs_fill(p, "127.0.0.1", 86, 1600);
	struct ports_used u = read_now();
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:86", 1600, 0);
	ports_used_free(&u);
	pairs_end(p);
	for (unsigned first = 40000; first <= 40400; first += 100) {
		p = pairs_listen("127.0.0.1", 87);
		for (unsigned i = 0; i < 1600; i++)
			assert_int_equal(pairs_connect(p, "127.0.0.1", 87, (uint16_t)(first + i)),
					 0);
		u = read_now();
		assert_int_equal(u.count, 1);
		destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:87", 1600, 0);
		ports_used_free(&u);
		pairs_end(p);
	}
}

static void accepted_connections_are_not_copied(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 88);
	pairs_fill(p, "127.0.0.1", 88, 60);
	received_bytes = 0;
	range_set("50000 50099");
	struct ports_used u = read_now();
	assert_int_equal(u.count, 0);
	assert_in_range(received_bytes, 1, 100);
	ports_used_free(&u);
	pairs_end(p);
}

/* A server's port in the range is one port, however many clients it has. */
static void a_server_in_the_range_uses_one_port(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 40050);
	range_set("50000 50199");
	pairs_fill(p, "127.0.0.1", 40050, 90);
	range_set("40000 40099");
	struct ports_used u = read_now();
	assert_int_equal(u.at[0].used, 1);
	ports_used_free(&u);
	pairs_end(p);
}

/* connect() alone, to few ports of several destinations: that none is shared shows nothing. */
static void ports_of_connect_are_not_bound(void **state)
{
	struct pairs *one = pairs_listen("127.0.0.1", 93), *other = pairs_listen("127.0.0.1", 94);
	range_set("40000 40999");
	pairs_fill(one, "127.0.0.1", 93, 60);
	pairs_fill(other, "127.0.0.1", 94, 60);
	struct ports_used u = read_now();
	assert_in_range(u.others.used, 60, 120);
	assert_int_equal(ports_others_bound(&u.others), 0);
	ports_used_free(&u);
	pairs_end(one);
	pairs_end(other);
}

/* Those of a process count as its own; of no other process any is a destination of it. */
static void a_server_has_destinations_of_its_own(void **state)
{
	struct pairs *p = pairs_listen("127.0.0.1", 89);
	struct subject self = {.pid = getpid()}, other = {.pid = 1};
	struct process here, first;
	struct ports_used u;
	struct err e = {0};
	pairs_fill(p, "127.0.0.1", 89, 20);
	assert_int_equal(process_read(live, self.pid, &here, &e), 0);
	snprintf(self.name, sizeof(self.name), "%s", here.name);
	self.pid = here.root;
	assert_int_equal(ports_used_read(live, &self, &u, &e), 0);
	assert_int_equal(u.count, 1);
	destination_is(&u.at[0], "127.0.0.1", "127.0.0.1:89", 20, 0);
	assert_int_equal(u.at[0].own, 20);
	assert_int_equal(u.from[0].own, 20);
	ports_used_free(&u);
	assert_int_equal(process_read(live, other.pid, &first, &e), 0);
	snprintf(other.name, sizeof(other.name), "%s", first.name);
	assert_int_equal(ports_used_read(live, &other, &u, &e), 0);
	assert_int_equal(u.count, 0);
	ports_used_free(&u);
	pairs_end(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_destination_with_most_ports_is_named, begin),
		cmocka_unit_test_setup(bound_ports_are_not_shared, begin),
		cmocka_unit_test_setup(ports_of_connect_are_not_bound, begin),
		cmocka_unit_test_setup(ports_that_bind_chose_are_counted_once, begin),
		cmocka_unit_test_setup(ipv6_is_counted, begin),
		cmocka_unit_test_setup(mapped_addresses_are_ipv4, begin),
		cmocka_unit_test_setup(reserved_ports_are_not_available, begin),
		cmocka_unit_test_setup(a_larger_range_is_counted_exactly, begin),
		cmocka_unit_test_setup(accepted_connections_are_not_copied, begin),
		cmocka_unit_test_setup(a_server_in_the_range_uses_one_port, begin),
		cmocka_unit_test_setup(a_server_has_destinations_of_its_own, begin),
		/* Last: its ports stay in TIME_WAIT. */
		cmocka_unit_test_setup(time_wait_is_counted_apart, begin),
	};
	return cmocka_run_group_tests_name("ports_used", tests, prepare, namespace_leave);
}
