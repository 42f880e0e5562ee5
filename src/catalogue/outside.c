/* What findings and walls of the network namespace that a check left say beside their own texts. */
#include "epolltune/catalogue.h"

const char outside_title[] = ", outside the checked network namespace";
const char outside_detail[] = "This is of the network namespace that the check was started in: "
			      "packets to {who?{who}:the one that was checked} cross it.";
const char outside_advice[] =
	"{device?To see the change, run where the check was started, without --server and --netns\\: epolltune apply --probe nic --dry-run}";
const char outside_wall[] = "This is of the network namespace that the check was started in.";
