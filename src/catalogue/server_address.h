/* server_address: addresses as the configurations of servers have them: "8080", "[::]:8080",
 * "*:80,*:8080", "unix:/run/app.sock", "unix@/run/app.sock", "/run/app.sock". A listener's is one
 * of "0.0.0.0:80", "[::]:80", "unix:/run/app.sock". Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether a listener is of a path. */
bool server_address_is_local(const char *listener);
/* Whether one of a list has just the port or path of `address`: "8080", "unix:/run/app.sock". */
bool server_address_names(const char *list, const char *address);
/* Whether an address of a configuration may be that of a listener: a name or a variable, which its
 * text does not show, may. */
bool server_address_serves(const char *bound, const char *listener);
/* Whether it is one address in digits, without the name of a family. */
bool server_address_is_digits(const char *text);
/* Makes one spelling of the wildcard of IPv4 out of "8080", "0.0.0.0:8080" and "*:8080". */
void server_address_spell_wildcard(char *address, size_t size);
