/* cost: whether an experiment fits into the machine and into its control group. */
#pragma once

#include <stdbool.h>

#include "epolltune/experiment.h"
#include "epolltune/machine.h"

#define COST_WHY 160

/* Writes why it does not fit, a clause; "": it does. What is unknown of the machine holds it.
 * Pure. */
void cost_refusal(const struct cost *c, const struct machine *m, bool gentle, char why[COST_WHY]);
