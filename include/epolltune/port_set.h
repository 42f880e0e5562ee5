/* port_set: a set of ports, and its list as the kernel writes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_set {
	uint64_t at[65536 / 64];
};

void port_set_add(struct port_set *s, int64_t low, int64_t high);
/* Adds, and removes, those of another set. */
void port_set_join(struct port_set *s, const struct port_set *other);
void port_set_remove(struct port_set *s, const struct port_set *other);
bool port_set_has(const struct port_set *s, int64_t port);
int64_t port_set_count(const struct port_set *s, int64_t low, int64_t high);
/* Adds a list as the kernel writes it: "8080,9000-9010"; "" adds none. False: not such a list. */
bool port_set_parse(struct port_set *s, const char *list);
/* The same of a list as the kernel reads it, with numbers of any base. */
bool port_set_take(struct port_set *s, const char *list);
/* Writes the list as the kernel does. Adds the ports between neighbours, the nearest first, until
 * it fits: the set becomes what was written. */
void port_set_format(struct port_set *s, char *text, size_t size);
