/* container_advice: how a container gets the values that a finding proposes. */
#pragma once

#include "epolltune/catalogue.h"
#include "epolltune/report.h"

/* Adds to the advice the line of the container's configuration, and that the values of this network
 * namespace are its own, or that those of the host apply. Nothing outside of both. Pure. */
void container_advise(const struct machine *m, struct finding *f);
