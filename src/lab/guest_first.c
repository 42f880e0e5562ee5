/* The first client of the operator's server (check --run): a server that listens may not serve yet,
 * as one whose workers start after it. */
#include "epolltune/guest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/interrupt.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/task.h"

#define LOOK_MS 10
/* For the server to close the connection itself, and after the client has ended it. */
#define OWN_MS 20
#define CLOSE_MS 500
/* Looks at its descriptors without a change, and at most. */
#define REST_LOOKS 5
#define REST_MAX 100

/* In the lab's memory. */
struct first {
	struct sockaddr_storage to;
	socklen_t to_size;
	char text[sizeof(((struct protocol_request *)0)->text)];
	size_t size; /* 0: no request */
};

/* What the client has seen. */
struct first_seen {
	bool replied;
	bool closed; /* the server has its connection no longer */
};

socklen_t guest_address(const struct guest *r, struct sockaddr_storage *out)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	socklen_t size = r->socket ? sizeof(local) : endpoint_size(&r->to);
	if (r->socket)
		snprintf(local.sun_path, sizeof(local.sun_path), "%s", r->socket);
	memcpy(out, r->socket ? (const void *)&local : &r->to, size);
	return size;
}

size_t guest_request(const struct guest *r, char text[PROTOCOL_REQUEST])
{
	if (r->protocol == PROTOCOL_CONNECT)
		return 0;
	if (!r->request.size)
		memset(text, 'x', GUEST_ECHO_SIZE);
	else
		memcpy(text, r->request.text, r->request.size);
	return r->request.size ? r->request.size : GUEST_ECHO_SIZE;
}

/* The connection's events; 0: none within the time, or the caller asks for something else. */
static short event_await(const struct task_port *port, int fd, short events, int timeout_ms)
{
	struct pollfd p[] = {{fd, events, 0}, {port->channel, POLLIN | POLLRDHUP, 0}};
	poll(p, 2, timeout_ms);
	return p[1].revents ? 0 : p[0].revents;
}

/* False: the caller does not wait any longer. A failure is for send() and recv() to show. */
static bool first_connect(struct task_port *port, const struct first *f, int fd)
{
	/* The queue of a UNIX socket is full. */
	while (connect(fd, (const struct sockaddr *)&f->to, f->to_size) && errno == EAGAIN) {
		if (task_ended(port))
			return false;
		clock_sleep_ms(LOOK_MS);
	}
	return event_await(port, fd, POLLOUT, -1);
}

/* Reads what comes; false: the server has closed the connection. */
static bool first_read(int fd, struct first_seen *seen)
{
	char data[4096];
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	seen->replied |= n > 0;
	seen->closed = !n || (n < 0 && errno != EAGAIN);
	return !seen->closed;
}

static void close_await(struct task_port *port, int fd, uint64_t ms, struct first_seen *seen)
{
	uint64_t until = clock_ms() + ms, now;
	while (!seen->closed && (now = clock_ms()) < until)
		if (event_await(port, fd, POLLIN, (int)(until - now)))
			first_read(fd, seen);
		else
			return;
}

/* Ends the connection, of which the server's end then shows that it has closed its own. One that
 * does so first is not answered by an end, but reset: a TIME_WAIT would keep the port from the next
 * server. */
static void first_leave(struct task_port *port, int fd, struct first_seen *seen)
{
	close_await(port, fd, OWN_MS, seen);
	if (!seen->closed)
		shutdown(fd, SHUT_WR);
	close_await(port, fd, CLOSE_MS, seen);
}

static int first_main(struct task_port *port, void *arg)
{
	static const struct linger reset = {.l_onoff = 1};
	const struct first *f = arg;
	struct first_seen seen = {0};
	char leave;
	CLEAN(close_fd)
	int fd = socket(f->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(&port->e, "the first client");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (!first_connect(port, f, fd))
		return 0;
	if (f->size) {
		send(fd, f->text, f->size, MSG_NOSIGNAL);
		if (!event_await(port, fd, POLLIN, -1))
			return 0;
		first_read(fd, &seen);
	}
	task_answer(port, 0, NULL, NULL, 0);
	if (!task_hear(port, &leave, sizeof(leave)))
		return 0;
	first_leave(port, fd, &seen);
	task_answer(port, 0, NULL, &seen, sizeof(seen));
	task_hear(port, &leave, sizeof(leave));
	return 0;
}

/* Until it has its answer, or without a request is connected. */
static int answer_await(struct task *task, uint64_t until, bool *answered, struct err *e)
{
	int rc = -ETIMEDOUT;
	while (rc == -ETIMEDOUT && clock_ms() < until && !interrupt_came())
		rc = task_await(task, NULL, 0, LOOK_MS, e);
	*answered = !rc;
	return rc == -ETIMEDOUT ? err_recode(e, 0) : rc;
}

static int accept_await(struct guest *r, uint64_t until, bool *accepted, struct err *e)
{
	struct guest_queue q;
	int rc;
	do {
		rc = guest_queue_read(r, &q, e);
		*accepted = !rc && q.sockets && !q.depth;
		if (!rc && q.depth)
			clock_sleep_ms(1);
	} while (!rc && q.depth && clock_ms() < until && !interrupt_came());
	return rc;
}

static int first_serve(struct guest *r, struct task *task, const struct first *f, struct err *e)
{
	static const char leave = 'l';
	struct first_seen seen;
	uint64_t until = clock_ms() + GUEST_FIRST_MS;
	bool served;
	int rc = answer_await(task, until, &served, e);
	if (!rc && served && !f->size)
		rc = accept_await(r, until, &served, e);
	if (interrupt_came())
		return err_set(e, EINTR, "--run: interrupted");
	if (rc || !served)
		return rc;
	rc = task_ask(task, &leave, sizeof(leave), &seen, sizeof(seen), -1, e);
	if (!rc)
		r->first = (struct guest_first){
			.served = true, .replied = seen.replied, .kept = !seen.closed};
	return rc;
}

static int client_run(struct guest *r, const struct first *f, struct err *e)
{
	struct task task = {0};
	int rc = task_start(&task, &(struct task_context){r->lab, r->from}, first_main,
			    (void *)(uintptr_t)f, e);
	if (!rc)
		rc = first_serve(r, &task, f, e);
	task_end(&task);
	/* One that ended while it started has ended the connection, too. */
	if (!rc && (!r->first.served || (f->size && !r->first.replied)))
		rc = guest_check(r, e);
	return rc;
}

int guest_first_await(struct guest *r, struct err *e)
{
	size_t mark = lab_mark(r->lab);
	struct first *f = lab_alloc(r->lab, sizeof(*f), e);
	if (!f)
		return -ENOMEM;
	r->first = (struct guest_first){0};
	f->to_size = guest_address(r, &f->to);
	f->size = guest_request(r, f->text);
	int rc = client_run(r, f, e);
	lab_release(r->lab, mark);
	return rc;
}

/* Waits until its processes and their descriptors stay as they are: others start after the one that
 * has served. */
static int rest_await(const struct host *calling, const struct subject *s, struct err *e)
{
	struct subject_open open = {0};
	int rc = 0;
	for (unsigned looks = 0, still = 0; !rc && still < REST_LOOKS && looks < REST_MAX;
	     looks++) {
		const struct subject_open before = open;
		rc = subject_open_read(calling, s, &open, e);
		bool same = open.sum == before.sum && open.processes == before.processes;
		still = same ? still + 1 : 0;
		clock_sleep_ms(LOOK_MS);
	}
	return rc;
}

int guest_subject_serving(struct guest *r, const struct host *calling, struct subject *out,
			  struct err *e)
{
	int rc = guest_first_await(r, e);
	if (!rc)
		rc = guest_subject(r, calling, out, e);
	if (!rc)
		rc = rest_await(calling, out, e);
	if (rc)
		return rc;
	subject_free(out);
	return guest_subject(r, calling, out, e);
}
