/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* Whose sockets listen on a TCP port of this machine. */
enum address_holder {
        ADDRESS_HOLDER_UNKNOWN, /* nobody that this user's rights let it see */
        ADDRESS_HOLDER_OURS,    /* a daemon of ours, or systemd, which opens sockets for such */
        ADDRESS_HOLDER_OTHER,
};

/* Reads /proc; blocks. With several holders, one of ours decides. */
enum address_holder address_holder_of(unsigned port);
