/* container_advice: how a container gets the values that a finding proposes. */
#ifndef EPOLLTUNE_JUDGE_CONTAINER_ADVICE_H
#define EPOLLTUNE_JUDGE_CONTAINER_ADVICE_H

#include "epolltune/catalogue.h"
#include "epolltune/report.h"

/* Adds to the advice the line of the container's configuration, and that the values of this network
 * namespace are its own. Nothing where the values of the machine apply. Pure. */
void container_advise(const struct machine *m, struct finding *f);

#endif
