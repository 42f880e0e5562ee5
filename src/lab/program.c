#include "epolltune/program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/clock.h"

#define STREAMS 3
/* Bytes read at once from the command's output. */
#define CHUNK 512
/* Between two looks for processes whose parent has exited, and all without pidfd_open(). */
#define LOOK_MS 50
/* For a signal to reach a process that runs on another CPU. */
#define SIGNAL_MS 5

struct program_part {
	struct program_config config;
	bool all; /* it has a PID namespace of its own: signals are for all in it */
	char server[INET6_ADDRSTRLEN], client[INET6_ADDRSTRLEN];
	_Atomic bool exited, gone; /* the first process, all of them */
	_Atomic int status;        /* wait status of the first one */
	_Atomic unsigned length;   /* of the output */
	char output[PROGRAM_OUTPUT];
};

/* What the caller asks: a signal to send, or 0: answer when the first process has exited. */
struct program_request {
	int signal;
};

/* Receives the caller's standard streams: a task of a lab has none. */
static int streams_take(int channel, struct err *e)
{
	int streams[STREAMS];
	int rc = task_receive_fds(channel, streams, STREAMS, e);
	for (int i = 0; i < STREAMS && !rc; i++) {
		dup2(streams[i], i);
		close(streams[i]);
	}
	return rc;
}

/* Keep low ports and raw sockets for a command that does not run as root. Ignore errors: a command
 * that needs a missing capability reports that itself. */
static void capabilities_keep(void)
{
	static const unsigned keep[] = {CAP_NET_BIND_SERVICE, CAP_NET_RAW};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (syscall(SYS_capget, &header, data))
		return;
	for (size_t i = 0; i < sizeof(keep) / sizeof(*keep); i++)
		data[0].inheritable |= data[0].permitted & 1u << keep[i];
	if (syscall(SYS_capset, &header, data))
		return;
	for (size_t i = 0; i < sizeof(keep) / sizeof(*keep); i++)
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, keep[i], 0, 0);
}

static _Noreturn void program_exec(const struct program_part *p, int out)
{
	static const int defaults[] = {SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGXFSZ};
	const struct program_config *c = &p->config;
	const struct rlimit nofile = {c->nofile, c->nofile};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* kill(0, …) means the process group, of the caller too. A client keeps the terminal. */
	if (p->all)
		setsid();
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		signal(defaults[i], SIG_DFL);
	if (!c->input) {
		int null = open("/dev/null", O_RDONLY);
		dup2(null, 0);
		close(null);
	}
	if (out >= 0) {
		dup2(out, 1);
		dup2(out, 2);
	}
	setenv("SERVER", p->server, 1);
	setenv("CLIENT", p->client, 1);
	if (c->nofile && setrlimit(RLIMIT_NOFILE, &nofile))
		fprintf(stderr, "epolltune: RLIMIT_NOFILE %llu: %s\n",
			(unsigned long long)c->nofile, strerror(errno));
	capabilities_keep();
	if (c->argv)
		execvp(c->argv[0], c->argv);
	else
		execl("/bin/sh", "sh", "-c", c->shell, (char *)NULL);
	fprintf(stderr, "epolltune: %s: %s\n", c->argv ? c->argv[0] : "/bin/sh", strerror(errno));
	_exit(127);
}

/* Keeps the end of what the command prints. False: nothing is left to read for now. */
static bool output_read(struct program_part *p, int *pipe)
{
	char more[CHUNK];
	ssize_t n = *pipe < 0 ? -1 : read(*pipe, more, sizeof(more));
	if (n <= 0) {
		if (*pipe >= 0 && (n == 0 || errno != EAGAIN)) {
			close(*pipe);
			*pipe = -1;
		}
		return false;
	}
	size_t length = p->length, room = PROGRAM_OUTPUT - 1, size = (size_t)n;
	size_t drop = length + size > room ? length + size - room : 0;
	memmove(p->output, p->output + drop, length - drop);
	memcpy(p->output + length - drop, more, size);
	p->length = (unsigned)(length - drop + size);
	return true;
}

/* Reads what is in the pipe now: a process that is left may go on writing. */
static void output_drain(struct program_part *p, int *pipe)
{
	int waiting = 0;
	if (*pipe >= 0)
		ioctl(*pipe, FIONREAD, &waiting);
	while (output_read(p, pipe) && (waiting -= CHUNK) > 0)
		;
}

/* Reaps what has exited. */
static void children_reap(struct program_part *p, pid_t first, int *pipe)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != first)
			continue;
		output_drain(p, pipe);
		p->status = status;
		p->exited = true;
	}
	p->gone = pid < 0 && errno == ECHILD;
}

/* In a PID namespace kill(2) passes over its init and the caller. */
static void children_signal(const struct program_part *p, pid_t first, int signal)
{
	if (p->all)
		kill(-1, signal);
	else if (!p->exited)
		kill(first, signal);
}

static void children_end(struct program_part *p, pid_t first, int *pipe)
{
	static const int last[] = {SIGTERM, SIGKILL};
	for (size_t i = 0; i < 2 && !p->gone; i++) {
		uint64_t until = clock_ms() + p->config.grace_ms;
		children_signal(p, first, last[i]);
		children_signal(p, first, SIGCONT);
		do {
			output_drain(p, pipe);
			children_reap(p, first, pipe);
			if (!p->gone)
				clock_sleep_ms(1);
		} while (!p->gone && clock_ms() < until);
	}
}

/* Obeys the caller until it ends the task. */
static void supervise(struct task_port *port, struct program_part *p, pid_t first, int *pipe)
{
	struct program_request request;
	int process = (int)syscall(SYS_pidfd_open, first, 0);
	bool asked = false;
	for (;;) {
		struct pollfd fds[] = {{port->channel, POLLIN, 0},
				       {p->exited ? -1 : process, POLLIN, 0},
				       {*pipe, POLLIN, 0}};
		if (asked && p->exited)
			asked = !task_answer(port, 0, NULL, NULL, 0);
		poll(fds, 3, p->gone ? -1 : LOOK_MS);
		output_read(p, pipe);
		children_reap(p, first, pipe);
		if (!fds[0].revents)
			continue;
		if (!task_hear(port, &request, sizeof(request)))
			break;
		asked = !request.signal;
		if (asked)
			continue;
		children_signal(p, first, request.signal);
		clock_sleep_ms(SIGNAL_MS);
		task_answer(port, 0, NULL, NULL, 0);
	}
	if (process >= 0)
		close(process);
}

static int program_main(struct task_port *port, void *arg)
{
	struct program_part *p = arg;
	int out[2] = {-1, -1};
	int rc = 0;
	/* Here, as what ran before writes there until it has ended. */
	p->exited = p->gone = false;
	p->status = 0;
	p->length = 0;
	memset(p->output, 0, sizeof(p->output));
	if (!p->config.captured)
		rc = streams_take(port->channel, &port->e);
	else if (pipe2(out, O_CLOEXEC) || fcntl(out[0], F_SETFL, O_NONBLOCK))
		rc = err_errno(&port->e, "a pipe for the command's output");
	if (rc)
		return rc;
	if (p->all)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(&port->e, "fork");
	if (pid == 0) {
		close(port->channel);
		program_exec(p, out[1]);
	}
	if (out[1] >= 0)
		close(out[1]);
	task_answer(port, 0, NULL, NULL, 0);
	supervise(port, p, pid, &out[0]);
	children_end(p, pid, &out[0]);
	return 0;
}

static void address_name(const struct lab *lab, enum lab_host host, char name[INET6_ADDRSTRLEN])
{
	union endpoint address = lab_address(lab, host, 0);
	getnameinfo(&address.any, endpoint_size(&address), name, INET6_ADDRSTRLEN, NULL, 0,
		    NI_NUMERICHOST);
}

int program_start(struct program *program, struct lab *lab, enum lab_host host,
		  const struct program_config *config, struct err *e)
{
	static const int streams[STREAMS] = {0, 1, 2};
	struct program_part *p = program->part;
	if (!p && !(p = lab_alloc(lab, sizeof(*p), e)))
		return -ENOMEM;
	*program = (struct program){.part = p};
	p->config = *config;
	p->all = host == LAB_COMMAND;
	address_name(lab, LAB_SERVER, p->server);
	address_name(lab, LAB_CLIENT, p->client);
	int rc = task_start(&program->task, &(struct task_context){lab, host}, program_main, p, e);
	if (!rc && !config->captured)
		rc = task_send_fds(program->task.channel, streams, STREAMS, e);
	return rc ? rc : task_await(&program->task, NULL, 0, -1, e);
}

int program_signal(struct program *p, int signal, struct err *e)
{
	const struct program_request request = {signal};
	return task_ask(&p->task, &request, sizeof(request), NULL, 0, -1, e);
}

int program_await(struct program *p, struct err *e) { return program_signal(p, 0, e); }

bool program_exited(const struct program *p, int *status)
{
	*status = p->part->status;
	return p->part->exited;
}

bool program_lives(const struct program *p) { return p->task.running && !p->part->gone; }

char *program_end_text(const struct program *p, char text[PROGRAM_END])
{
	int status = p->part->status;
	if (WIFEXITED(status))
		snprintf(text, PROGRAM_END, "exited with status %d", WEXITSTATUS(status));
	else
		snprintf(text, PROGRAM_END, "was killed by signal %d", WTERMSIG(status));
	return text;
}

void program_output(const struct program *p, char text[PROGRAM_OUTPUT])
{
	memcpy(text, p->part->output, PROGRAM_OUTPUT - 1);
	text[PROGRAM_OUTPUT - 1] = 0;
}

void program_end(struct program *p) { task_end(&p->task); }
