/* SPDX-License-Identifier: Apache-2.0 */
/* What the TLS transport costs beside bare OpenSSL: CPU microseconds of the server's side for a full handshake, a
 * resumed one, an exchange of 1 KiB and one of 100 KiB, and the memory of an idle connection. Both sides of a connection
 * run on this thread by turns, bare and ours alternate, and only the server's steps are counted, so that the figures
 * hold on a busy machine. */
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "shared/syscall.h"
#include "tls/tls_transport.h"

enum { ROUNDS = 400, EXCHANGES = 4000, IDLE = 300 };

struct bench {
        struct tls_context *context;
        SSL_CTX *bare;
        SSL_CTX *client;
        SSL_SESSION *session; /* to resume with; NULL: full handshakes */
        SSL_SESSION *newest;
};

/* One connection, of either kind. */
struct connection {
        SSL *client, *bare;
        struct transport *transport;
        int fds[2];
};

static double now(void) {
        struct timespec time;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return (double) time.tv_sec * 1e6 + (double) time.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
        qsort(values, count, sizeof(*values), compare);
        return values[count / 2];
}

static void report(const char *what, double *bare, double *ours, size_t count) {
        double x = median(bare, count), y = median(ours, count);
        printf("%-22s bare %8.2f us   transport %8.2f us   ratio %.3f\n", what, x, y, y / x);
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
        struct bench *bench = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        SSL_SESSION_free(bench->newest);
        bench->newest = session;
        return 1;
}

static void fail(const char *what) {
        fprintf(stderr, "micro_tls: %s\n", what);
        exit(1);
}

static void bench_init(struct bench *bench) {
        char folder[] = "/tmp/micro_tls.XXXXXX", certificate[64], key[64];
        struct error error = ERROR_INIT;
        struct tls_tickets *tickets = NULL;
        if (!mkdtemp(folder))
                fail(folder);
        (void) snprintf(certificate, sizeof(certificate), "%s/pem", folder);
        (void) snprintf(key, sizeof(key), "%s/key", folder);
        if (tls_make_development_certificate(certificate, key, 1, &error) < 0 ||
            tls_tickets_new(time(NULL), 3600, &tickets) < 0)
                fail(error.text);

        const char *groups[] = { "X25519", "P-256" };
        const struct config_tls tls = { .tickets = true, .ticket_rotation = 3600000000, .groups = { groups, 2 } };
        const struct config_listener listener = { .name = "bench" };
        const struct config_certificate config = { .name = "bench", .certificate = certificate, .key = key };
        const struct tls_context_options options = {
                .tls = &tls, .listener = &listener, .certificates = &config, .certificate_count = 1, .tickets = tickets
        };
        if (tls_context_new(&options, &error, &bench->context) < 0)
                fail(error.text);

        bench->bare = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate_chain_file(bench->bare, certificate);
        SSL_CTX_use_PrivateKey_file(bench->bare, key, SSL_FILETYPE_PEM);
        SSL_CTX_set1_groups_list(bench->bare, "X25519:P-256");
        SSL_CTX_set_session_cache_mode(bench->bare, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(bench->bare, SSL_MODE_RELEASE_BUFFERS);
        SSL_CTX_set_session_id_context(bench->bare, (const unsigned char *) "bare", 4);

        bench->client = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_session_cache_mode(bench->client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(bench->client, keep_session);
        SSL_CTX_set_app_data(bench->client, bench);
        tls_tickets_unref(tickets);
        (void) unlink(certificate);
        (void) unlink(key);
        (void) rmdir(folder);
}

/* The server's steps of a handshake, with what it takes to make and free its side counted. */
static double connect_pair(struct bench *bench, struct connection *connection, bool is_bare) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, connection->fds) < 0)
                fail("socketpair");
        connection->client = SSL_new(bench->client);
        SSL_set_fd(connection->client, connection->fds[1]);
        SSL_set_connect_state(connection->client);
        if (bench->session)
                SSL_set_session(connection->client, bench->session);

        double start = now(), spent = 0;
        connection->bare = NULL;
        connection->transport = NULL;
        if (is_bare) {
                connection->bare = SSL_new(bench->bare);
                SSL_set_fd(connection->bare, connection->fds[0]);
                SSL_set_accept_state(connection->bare);
        } else if (tls_transport_new(bench->context, connection->fds[0], &connection->transport) < 0) {
                fail("tls_transport_new");
        }
        spent += now() - start;
        int client = 0, server = -1;
        for (int turn = 0; turn < 4 && (client != 1 || server != 0); turn++) {
                client = SSL_do_handshake(connection->client);
                const char *detail = NULL;
                start = now();
                server = is_bare ? SSL_do_handshake(connection->bare) - 1
                                 : transport_handshake(connection->transport, &detail);
                spent += now() - start;
        }
        if (client != 1 || server != 0)
                fail("handshake");
        return spent;
}

static double disconnect(struct connection *connection) {
        char buffer[64];
        (void) SSL_read(connection->client, buffer, sizeof(buffer)); /* the tickets */
        double start = now();
        if (connection->bare) {
                SSL_shutdown(connection->bare);
                SSL_free(connection->bare);
        } else {
                (void) transport_shutdown(connection->transport);
                transport_free(connection->transport);
        }
        double spent = now() - start;
        SSL_shutdown(connection->client);
        SSL_free(connection->client);
        close(connection->fds[0]);
        close(connection->fds[1]);
        return spent;
}

static void measure_handshakes(struct bench *bench, bool resumed) {
        static double spent[2][ROUNDS];
        SSL_SESSION *sessions[2] = { NULL, NULL };
        for (size_t i = 0; i < 2 * ROUNDS; i++) {
                struct connection connection;
                bool is_bare = i % 2 == 0;
                bench->session = resumed ? sessions[is_bare] : NULL;
                double used = connect_pair(bench, &connection, is_bare);
                if (bench->session && !SSL_session_reused(connection.client))
                        fail("a session was not resumed");
                spent[is_bare][i / 2] = used + disconnect(&connection);
                SSL_SESSION_free(sessions[is_bare]);
                sessions[is_bare] = take_pointer(bench->newest);
        }
        bench->session = NULL;
        SSL_SESSION_free(sessions[0]);
        SSL_SESSION_free(sessions[1]);
        report(resumed ? "resumed handshake" : "full handshake", spent[1] + 1, spent[0] + 1, ROUNDS - 1);
}

static char body[100 * 1024], request[200] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* As a plain server would do it: read until there is nothing, write record by record. */
static void answer_bare(SSL *ssl, size_t size) {
        char buffer[16384] __attribute__((uninitialized));
        while (SSL_read(ssl, buffer, sizeof(buffer)) > 0)
                ;
        for (size_t at = 0; at < size; at += 16384)
                (void) SSL_write(ssl, body + at, (int) MIN_OF(size - at, (size_t) 16384));
}

static void answer_ours(struct transport *transport, size_t size) {
        char buffer[16384] __attribute__((uninitialized));
        (void) transport_read(transport, buffer, sizeof(buffer));
        struct iovec vector[2] = { { body, 300 }, { body + 300, size - 300 } };
        if (transport_write(transport, vector, 2, false) != (ssize_t) size)
                fail("short write");
}

static void measure_exchanges(struct bench *bench, const char *what, size_t size) {
        static double spent[2][EXCHANGES];
        struct connection connections[2];
        for (int kind = 0; kind < 2; kind++) {
                int buffer = 1 << 20;
                (void) connect_pair(bench, &connections[kind], kind == 1);
                (void) setsockopt(connections[kind].fds[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
        }
        for (size_t i = 0; i < 2 * EXCHANGES; i++) {
                struct connection *connection = &connections[i % 2];
                char buffer[16384];
                (void) SSL_write(connection->client, request, sizeof(request));
                double start = now();
                if (connection->bare)
                        answer_bare(connection->bare, size);
                else
                        answer_ours(connection->transport, size);
                spent[i % 2][i / 2] = now() - start;
                while (SSL_read(connection->client, buffer, sizeof(buffer)) > 0)
                        ;
        }
        report(what, spent[1], spent[0], EXCHANGES);
        (void) disconnect(&connections[0]);
        (void) disconnect(&connections[1]);
}

static void measure_memory(struct bench *bench) {
        static struct connection connections[IDLE];
        double held[2];
        for (int kind = 0; kind < 2; kind++) {
                double before = (double) mallinfo2().uordblks;
                for (size_t i = 0; i < IDLE; i++) {
                        (void) connect_pair(bench, &connections[i], kind == 1);
                        if (kind == 1)
                                (void) SSL_read(connections[i].bare, request, 1);
                        else
                                (void) transport_read(connections[i].transport, request, 1);
                        SSL_free(connections[i].client);
                }
                held[kind] = ((double) mallinfo2().uordblks - before) / IDLE;
                for (size_t i = 0; i < IDLE; i++) {
                        SSL_free(connections[i].bare);
                        if (connections[i].transport)
                                transport_free(connections[i].transport);
                        close(connections[i].fds[0]);
                        close(connections[i].fds[1]);
                }
        }
        printf("%-22s bare %8.0f B    transport %8.0f B    more  %.0f B\n", "idle connection", held[1], held[0],
               held[0] - held[1]);
}

int main(void) {
        struct bench bench = { 0 };
        bench_init(&bench);
        measure_handshakes(&bench, false);
        measure_handshakes(&bench, true);
        measure_exchanges(&bench, "exchange of 1 KiB", 1024);
        measure_exchanges(&bench, "exchange of 100 KiB", sizeof(body));
        measure_memory(&bench);
        tls_context_unref(bench.context);
        SSL_CTX_free(bench.bare);
        SSL_CTX_free(bench.client);
        SSL_SESSION_free(bench.newest);
        return 0;
}
