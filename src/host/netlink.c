/* Error codes of libnl as errno. */
#include "host/machine.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <string.h>

int machine_netlink_error(struct err *e, int nl, const char *what)
{
	static const struct {
		int nl, code;
	} codes[] = {
		{NLE_NOMEM, ENOMEM},
		{NLE_PERM, EPERM},
		{NLE_NOACCESS, EACCES},
		{NLE_OBJ_NOTFOUND, ENOENT},
		{NLE_NODEV, ENODEV},
		{NLE_OPNOTSUPP, EOPNOTSUPP},
		{NLE_AF_NOSUPPORT, EOPNOTSUPP},
		{NLE_PROTO_MISMATCH, EOPNOTSUPP},
		{NLE_INVAL, EINVAL},
		{NLE_BUSY, EBUSY},
		{NLE_RANGE, ERANGE},
		{NLE_AGAIN, EAGAIN},
		{NLE_INTR, EINTR},
		{NLE_DUMP_INTR, EINTR},
		{NLE_EXIST, EEXIST},
	};
	int code = EIO, system = errno;
	nl = nl < 0 ? -nl : nl;
	/* What libnl has no word for, such as EMFILE, is still in errno. */
	if (nl == NLE_FAILURE && system)
		return err_set(e, system, "%s: %s", what, strerror(system));
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].nl == nl)
			code = codes[i].code;
	return err_set(e, code, "%s: %s", what, nl_geterror(nl));
}

void machine_message_free(struct nl_msg **m) { nlmsg_free(*m); }
