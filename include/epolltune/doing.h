/* doing: what a process does, by its state, and what helps where its accept queue is full. Pure. */
#pragma once

#include "epolltune/listener.h"
#include "epolltune/wording.h"

struct doing {
	char what[160]; /* a predicate; "": unknown */
	char help[360];
};
struct doing doing_of(const struct process *p);

/* Whether its descriptors are used up, but for the few that servers keep in reserve. */
bool process_at_file_limit(const struct process *p);
/* Whether it has none left: a server that keeps one in reserve may use it to accept and close. */
bool process_out_of_files(const struct process *p);
/* Whether it is stopped or frozen, or has exited. */
bool process_halted(const struct process *p);
/* Whether one look shows that a process does not accept; false for NULL. */
bool process_accepts_not(const struct process *p);

/* Adds {unit}, a service or "", as a word for a shell, and {manager}, the command for it:
 * "systemctl"; {user}: it is a user's; {inside}: of the systemd in a container. */
void unit_words(struct wording *words, const char *unit, enum unit_manager manager);

/* Adds {who} {process} {pid} {worker} {whose} {doing} {help} {server} {default}, and what
 * unit_words() adds. NULL: the process is unknown, and {who} is the address. */
void process_words(struct wording *words, const struct process *p, const char *address);
/* Of a halted one, if several of its server among `all` are halted alike: their number {many} and
 * {pids}, and {whose} {doing} {help} of all of them. Returns the number. */
size_t halted_words(struct wording *words, const struct process *p, const struct process *all,
		    size_t count);
/* The same of the owner of a listener, and {endpoint}, its address also where that is visible;
 * {cut}: it was not found before the search ended; {unheld}:
 * no process has it open; {apart}: its process is in another PID namespace. */
void listener_words(struct wording *words, const struct listeners *all, const struct listener *l);
