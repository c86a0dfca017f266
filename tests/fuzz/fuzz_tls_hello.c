/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes to a port for TLS, in two pieces: the handshake waits for more or ends with a reason, and what it leaves can
 * be ended and freed. The first byte says where the bytes are cut and whether the client then goes away. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "shared/syscall.h"
#include "tls/tls_transport.h"

/* Made with the first input, and kept: keys take time. */
static struct tls_context *make_context(void) {
        char folder[] = "/tmp/fuzz_tls_hello.XXXXXX", certificate[64], key[64];
        struct tls_tickets *tickets = NULL;
        require(mkdtemp(folder));
        (void) snprintf(certificate, sizeof(certificate), "%s/pem", folder);
        (void) snprintf(key, sizeof(key), "%s/key", folder);
        require(tls_make_development_certificate(certificate, key, 1, NULL) == 0);
        require(tls_tickets_new(0, 3600, &tickets) == 0);

        const struct config_tls tls = { .tickets = true, .ticket_rotation = 3600000000 };
        const struct config_listener listener = { .name = "fuzz" };
        const struct config_certificate config = { .name = "fuzz", .certificate = certificate, .key = key };
        const struct tls_context_options options = {
                .tls = &tls,
                .listener = &listener,
                .certificates = &config,
                .certificate_count = 1,
                .http2 = true,
                .tickets = tickets,
        };
        struct tls_context *context = NULL;
        require(tls_context_new(&options, NULL, &context) == 0);
        tls_tickets_unref(tickets);
        (void) unlink(certificate);
        (void) unlink(key);
        (void) rmdir(folder);
        return context;
}

static int step(struct transport *transport) {
        const char *detail = NULL;
        int r = transport_handshake(transport, &detail);
        if (r == -EAGAIN)
                return r;
        require(r == -EPROTO || r == -ECONNRESET || r == -EPROTOTYPE);
        require(detail && *detail);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct tls_context *context;
        if (!context) {
                (void) signal(SIGPIPE, SIG_IGN);
                context = make_context();
        }
        if (size < 1 || size > 20000)
                return 0;
        size_t cut = size * (data[0] & 0x7f) / 128;
        bool goes_away = data[0] & 0x80;
        cut = cut < 1 ? 1 : cut;

        int fds[2];
        struct transport *transport;
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        require(tls_transport_new(context, fds[0], &transport) == 0);
        require(send(fds[1], data + 1, cut - 1, 0) == (ssize_t) cut - 1);
        int r = step(transport);
        if (r == -EAGAIN) {
                require(send(fds[1], data + cut, size - cut, 0) == (ssize_t) (size - cut));
                if (goes_away)
                        require(shutdown(fds[1], SHUT_WR) == 0);
                r = step(transport);
                require(!goes_away || r != -EAGAIN);
        }
        require(transport_shutdown(transport) == 0);
        transport_free(transport);
        (void) close(fds[0]);
        (void) close(fds[1]);
        return 0;
}
