/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of session tickets, which outlive a restart in systemd's descriptor store: as a sealed file in memory, so that
 * they are on no disk. */
#include <string.h>
#include <sys/mman.h>

#include "daemon/state.h"

#define TICKETS_NAME "ticket-keys"

void daemon_ticket_keys_save(struct daemon *daemon) {
        unsigned char blob[TLS_TICKETS_BLOB_SIZE];
        if (!daemon->program->listeners)
                return; /* unix sockets alone: there is no TLS, and nobody has a ticket */
        size_t length = tls_tickets_save(daemon->tickets, blob);
        _cleanup_close_ int fd = memfd_create(TICKETS_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || write(fd, blob, length) != (ssize_t) length)
                return;
        (void) fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
        (void) service_store_fd(TICKETS_NAME, fd);
        explicit_bzero(blob, sizeof(blob));
}

int daemon_ticket_keys_make(struct daemon *daemon, const struct config *config) {
        int64_t now = loop_realtime(daemon->loop);
        int r = tls_tickets_new(now, (int64_t) (config->root.tls.ticket_rotation / 1000000), &daemon->tickets);
        if (r < 0)
                return r;
        _cleanup_close_ int fd = service_fds_claim(&daemon->fds, TICKETS_NAME);
        if (fd >= 0) {
                unsigned char blob[TLS_TICKETS_BLOB_SIZE];
                ssize_t n = pread(fd, blob, sizeof(blob), 0);
                if (n > 0)
                        (void) tls_tickets_restore(daemon->tickets, blob, (size_t) n, now);
                explicit_bzero(blob, sizeof(blob));
        }
        daemon_ticket_keys_save(daemon);
        return 0;
}
