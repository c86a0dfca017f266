/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS transport against an OpenSSL client: handshakes, reading and writing at every size and under a full socket,
 * files, orderly and other ends, and what comes to the port without being TLS. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_testing.h"

#include "shared/syscall.h"
#include "tls/tls_context_private.h"

/* What all tests use; made once, since keys take time. */
/* Stands before that of libc: every so many calls of the server find a socket that is full for this moment. 0: none. */
static unsigned refused_every, sends;

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
        if (refused_every && ++sends % refused_every == 0) {
                errno = EAGAIN;
                return -1;
        }
        return sendto(fd, bytes, length, flags, NULL, 0);
}

struct fixture {
        struct test_folder folder;
        struct identity identity;
        struct tls_context *context;
        SSL_CTX *client;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        signal(SIGPIPE, SIG_IGN);
        test_folder_init(&fixture->folder);
        identity_make(&(struct identity_options) { .common_name = "x", .names = "DNS:localhost" }, &fixture->identity);
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        fixture->context = test_context_new(&config, 1, NULL, NULL, true);
        fixture->client = test_client_new();
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        SSL_CTX_free(fixture->client);
        tls_context_unref(fixture->context);
        identity_done(&fixture->identity);
        test_folder_done(&fixture->folder);
        free(fixture);
        return 0;
}

#define _cleanup_connection_ _cleanup_(test_connection_done)

static void establish(struct fixture *fixture, struct test_connection *connection) {
        test_connection_init(connection, fixture->context, fixture->client);
        test_connection_establish(connection);
}

static void check_version(struct fixture *fixture, int version, const char *name, const char *cipher) {
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        assert_int_equal(SSL_set_max_proto_version(connection.client, version), 1);
        assert_int_equal(SSL_set_tlsext_host_name(connection.client, "LocalHost"), 1);
        test_connection_establish(&connection);
        assert_string_equal(tls_transport_version(connection.transport), name);
        assert_string_equal(tls_transport_cipher(connection.transport), cipher);
        assert_true(slice_equal_text(tls_transport_server_name(connection.transport), "localhost"));
        assert_false(tls_transport_is_resumed(connection.transport));
        assert_int_equal(tls_transport_protocol(connection.transport), TLS_PROTOCOL_NONE);
        assert_null(tls_transport_client_subject(connection.transport).data);
        assert_ptr_equal(tls_transport_context(connection.transport), fixture->context);
}

static void both_versions_shake_hands(void **state) {
        check_version(*state, TLS1_3_VERSION, "TLSv1.3", "TLS_AES_128_GCM_SHA256");
        check_version(*state, TLS1_2_VERSION, "TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256");
}

static void a_handshake_goes_on_in_pieces(void **state) {
        struct fixture *fixture = *state;
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        const char *detail = NULL;
        connection.transport->wants_write = true;
        assert_int_equal(transport_handshake(connection.transport, &detail), -EAGAIN);
        assert_false(connection.transport->wants_write);
        assert_int_equal(SSL_do_handshake(connection.client), -1);

        /* The ClientHello byte by byte. */
        char hello[4096];
        ssize_t length = recv(connection.server_fd, hello, sizeof(hello), 0);
        assert_true(length > 100);
        for (ssize_t i = 0; i < length; i++) {
                assert_int_equal(transport_handshake(connection.transport, &detail), -EAGAIN);
                assert_int_equal(send(connection.client_fd, hello + i, 1, 0), 1);
        }
        test_connection_establish(&connection);
}

static void the_first_request_may_come_with_the_handshake(void **state) {
        struct fixture *fixture = *state;
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        const char *detail = NULL;
        assert_int_equal(SSL_do_handshake(connection.client), -1);
        assert_int_equal(transport_handshake(connection.transport, &detail), -EAGAIN);
        assert_int_equal(SSL_do_handshake(connection.client), 1);
        test_client_write(connection.client, "GET /");
        assert_int_equal(transport_handshake(connection.transport, &detail), 0);
        /* From OpenSSL 3.2 on it is still in the socket; before, epoll would never tell. */
        char byte;
        bool is_in_socket = recv(connection.server_fd, &byte, 1, MSG_PEEK) == 1;
        assert_true(connection.transport->is_readable != is_in_socket);
        test_transport_expect(connection.transport, "GET /");
        assert_false(connection.transport->is_readable);
}

static void reading_joins_records_and_stops_when_nothing_is_left(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        char buffer[16];
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -EAGAIN);
        assert_false(connection.transport->wants_write);

        test_client_write(connection.client, "one ");
        test_client_write(connection.client, "two ");
        test_client_write(connection.client, "three");
        assert_int_equal(transport_read(connection.transport, buffer, 6), 6);
        assert_memory_equal(buffer, "one tw", 6);
        assert_true(connection.transport->is_readable);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), 7);
        assert_memory_equal(buffer, "o three", 7);
        assert_false(connection.transport->is_readable);
}

static void a_record_in_pieces_is_waited_for(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        test_client_write(connection.client, "whole");
        test_client_write(connection.client, "parted");
        char sealed[256], buffer[64];
        ssize_t length = recv(connection.server_fd, sealed, sizeof(sealed), 0);
        assert_true(length > 20);
        /* Give it back by another socket pair's end: all but the last byte, then that. */
        int fds[2];
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), errno);
        assert_return_code(dup2(fds[0], connection.server_fd), errno);
        close_fd(fds[0]);
        assert_int_equal(send(fds[1], sealed, (size_t) length - 1, 0), length - 1);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), 5);
        assert_false(connection.transport->is_readable);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -EAGAIN);
        assert_int_equal(send(fds[1], sealed + length - 1, 1, 0), 1);
        test_transport_expect(connection.transport, "parted");
        close_fd(fds[1]);
}

static char pattern(size_t i) {
        return (char) ('a' + i % 23);
}

/* Reads what there is; checks it; returns how much. */
static size_t client_take(SSL *client, size_t position) {
        char buffer[20000];
        size_t taken = 0;
        int count;
        while ((count = SSL_read(client, buffer, sizeof(buffer))) > 0) {
                for (int i = 0; i < count; i++)
                        assert_int_equal(buffer[i], pattern(position + taken + (size_t) i));
                taken += (size_t) count;
        }
        assert_int_equal(SSL_get_error(client, count), SSL_ERROR_WANT_READ);
        return taken;
}

static void a_head_and_a_body_leave_in_one_record(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        char body[1024];
        for (size_t i = 0; i < sizeof(body); i++)
                body[i] = pattern(i + 3);
        struct iovec vector[] = { { (char *) "ab", 2 }, { NULL, 0 }, { (char *) "c", 1 }, { body, sizeof(body) } };
        assert_int_equal(transport_write(connection.transport, vector, 4, false), 3 + sizeof(body));
        unsigned char header[5];
        assert_int_equal(recv(connection.client_fd, header, 5, MSG_PEEK), 5);
        assert_int_equal(header[3] << 8 | header[4], 3 + sizeof(body) + 1 + 16); /* type and tag of TLS 1.3 */
        assert_int_equal(client_take(connection.client, 0), 3 + sizeof(body));
}

/* A vector of `length` bytes of the pattern from `start`, in pieces of odd sizes. */
static int make_vector(char *bytes, size_t start, size_t length, size_t piece, struct iovec vector[64]) {
        int count = 0;
        for (size_t i = 0; i < length; i++)
                bytes[i] = pattern(start + i);
        for (size_t at = 0; at < length && count < 64; at += piece)
                vector[count++] = (struct iovec) { bytes + at, MIN_OF(piece, length - at) };
        return count;
}

static void check_stream(struct fixture *fixture, size_t piece, int buffer_size, size_t total, unsigned fragment) {
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        if (fragment)
                assert_int_equal(SSL_set_tlsext_max_fragment_length(connection.client, fragment), 1);
        test_connection_establish(&connection);
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof(buffer_size));

        size_t window = piece * 64, written = 0, received = 0, refused = 0;
        _cleanup_free_ char *bytes = malloc(window);
        while (received < total) {
                if (written < total) {
                        struct iovec vector[64];
                        int count = make_vector(bytes, written, MIN_OF(window, total - written), piece, vector);
                        ssize_t r = transport_write(connection.transport, vector, count, written + window < total);
                        memset(bytes, 0, window); /* the caller's bytes may move or go */
                        if (r > 0)
                                written += (size_t) r;
                        else
                                assert_int_equal(r, -EAGAIN);
                        if (r == -EAGAIN) {
                                assert_true(connection.transport->wants_write);
                                refused++;
                        }
                }
                received += client_take(connection.client, received);
                assert_true(received >= written || written < total || refused);
        }
        assert_int_equal(written, total);
        test_client_write(connection.client, "still there");
        test_transport_expect(connection.transport, "still there");
}

static void streams_survive_a_full_socket(void **state) {
        static const size_t pieces[] = { 1, 100, 300, 1024, 16384, 16385, 40000 };
        for (size_t i = 0; i < ELEMENTS_OF(pieces); i++) {
                size_t total = MIN_OF(pieces[i] * 640, (size_t) 3000000);
                check_stream(*state, pieces[i], 1, total, 0);
                check_stream(*state, pieces[i], 100000, total, 0);
        }
}

static void short_records_are_made_for_those_who_ask(void **state) {
        check_stream(*state, 1000, 1, 300000, TLSEXT_max_fragment_length_512);
        check_stream(*state, 5000, 100000, 300000, TLSEXT_max_fragment_length_1024);
}

/* What was refused may be offered again in other portions: first a head alone, then what follows. */
static void sealed_bytes_are_taken_in_any_portion(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        int size = 1;
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        const size_t total = 600000;
        _cleanup_free_ char *bytes = malloc(total);
        for (size_t i = 0; i < total; i++)
                bytes[i] = pattern(i);
        size_t written = 0, received = 0, portion = 1;
        while (received < total) {
                while (written < total) {
                        struct iovec vector = { bytes + written, MIN_OF(total - written, portion) };
                        ssize_t r = transport_write(connection.transport, &vector, 1, false);
                        portion = portion * 7 % 65521;
                        if (r == -EAGAIN)
                                break;
                        assert_in_range(r, 1, vector.iov_len);
                        written += (size_t) r;
                }
                received += client_take(connection.client, received);
        }
}

static int make_file(size_t length) {
        int fd = memfd_create("file", MFD_CLOEXEC);
        _cleanup_free_ char *bytes = malloc(length);
        for (size_t i = 0; i < length; i++)
                bytes[i] = pattern(i);
        assert_int_equal(write(fd, bytes, length), length);
        return fd;
}

static void check_file(struct fixture *fixture, int buffer_size, unsigned refused) {
        _cleanup_connection_ struct test_connection connection;
        establish(fixture, &connection);
        assert_false(connection.transport->is_zero_copy);
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof(buffer_size));
        const size_t total = 1000003;
        _cleanup_close_ int file = make_file(total);
        size_t sent = 0, received = 0;
        refused_every = refused;
        while (received < total || sent < total) {
                if (sent < total) {
                        ssize_t r = transport_send_file(connection.transport, file, (off_t) sent, total - sent, false);
                        if (r > 0)
                                sent += (size_t) r;
                        else
                                assert_int_equal(r, -EAGAIN);
                }
                received += client_take(connection.client, received);
        }
        refused_every = 0;
        assert_int_equal(sent, total);
}

static void a_file_is_sent_sealed(void **state) {
        check_file(*state, 1, 0);
        check_file(*state, 200000, 0);
}

/* The peer reads on while a batch is being put aside: it goes out after all, and once. */
static void a_socket_that_was_full_for_a_moment_gets_nothing_twice(void **state) {
        for (unsigned refused = 2; refused <= 5; refused++)
                check_file(*state, 200000, refused);
}

static void a_file_that_was_cut_short_ends(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        _cleanup_close_ int file = make_file(100);
        assert_int_equal(transport_send_file(connection.transport, file, 0, 1000, false), 100);
        assert_int_equal(transport_send_file(connection.transport, file, 100, 900, false), 0);
        assert_int_equal(client_take(connection.client, 0), 100);
}

static void a_file_that_shrinks_while_it_waits_keeps_its_sealed_part(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        int size = 1;
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        const size_t total = 200000;
        _cleanup_close_ int file = make_file(total);
        size_t sent = 0, received = 0;
        ssize_t r;
        while ((r = transport_send_file(connection.transport, file, (off_t) sent, total - sent, false)) > 0)
                sent += (size_t) r;
        assert_int_equal(r, -EAGAIN);
        assert_return_code(ftruncate(file, 0), errno);
        do {
                received += client_take(connection.client, received);
                r = transport_send_file(connection.transport, file, (off_t) sent, total - sent, false);
                if (r > 0)
                        sent += (size_t) r;
        } while (r > 0 || r == -EAGAIN);
        assert_int_equal(r, 0);
        received += client_take(connection.client, received);
        assert_int_equal(received, sent);
        assert_true(sent < total);
}

static void close_notify_is_the_orderly_end(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        test_client_write(connection.client, "last");
        assert_int_equal(SSL_shutdown(connection.client), 0);
        char buffer[64];
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), 4);
        assert_true(connection.transport->is_readable); /* the end is known here, and to nobody else */
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), 0);
        assert_false(connection.transport->is_readable);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), 0);
        test_write_all(connection.transport, "answer");
        assert_int_equal(transport_shutdown(connection.transport), 0);
        assert_int_equal(transport_shutdown(connection.transport), 0);
        test_client_expect(connection.client, "answer");
        assert_int_equal(SSL_read(connection.client, buffer, 1), 0);
        assert_int_equal(SSL_get_error(connection.client, 0), SSL_ERROR_ZERO_RETURN);
}

static void an_end_without_close_notify_is_a_cut(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        assert_return_code(shutdown(connection.client_fd, SHUT_WR), errno);
        char buffer[64];
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -ECONNRESET);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -ECONNRESET);
        assert_int_equal(transport_shutdown(connection.transport), 0);
}

static void shutdown_waits_for_what_was_written(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        int size = 1;
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        char bytes[16384];
        struct iovec vector = { bytes, sizeof(bytes) };
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = pattern(i);
        ssize_t r = 1;
        while (r > 0)
                r = transport_write(connection.transport, &vector, 1, false);
        assert_int_equal(r, -EAGAIN);
        int turns = 0;
        char drain[65536];
        while ((r = transport_shutdown(connection.transport)) == -EAGAIN && turns++ < 1000) {
                assert_true(connection.transport->wants_write);
                int count = SSL_read(connection.client, drain, sizeof(drain));
                assert_true(count > 0 || SSL_get_error(connection.client, count) == SSL_ERROR_WANT_READ);
        }
        assert_int_equal(r, 0);
        assert_true(turns > 0);
        int count = 1;
        while (count > 0)
                count = SSL_read(connection.client, drain, sizeof(drain));
        assert_int_equal(SSL_get_error(connection.client, count), SSL_ERROR_ZERO_RETURN);
}

static void a_forged_record_ends_the_connection(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        static const char record[] = "\x17\x03\x03\x00\x20"
                                     "0123456789abcdef0123456789abcdef";
        assert_int_equal(send(connection.client_fd, record, sizeof(record) - 1, 0), sizeof(record) - 1);
        char buffer[64];
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -EPROTO);
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -EPROTO);
        struct iovec vector = { (char *) "x", 1 };
        assert_true(transport_write(connection.transport, &vector, 1, false) < 0);
}

static void a_gone_peer_is_an_error(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        connection.client_fd = close_fd(connection.client_fd);
        struct iovec vector = { (char *) "x", 1 };
        assert_int_equal(transport_write(connection.transport, &vector, 1, false), -EPIPE);
        assert_int_equal(transport_write(connection.transport, &vector, 1, false), -EPIPE);
}

static int send_raw(struct fixture *fixture, const char *bytes, size_t length, bool ends, const char **ret_detail) {
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        assert_int_equal(send(connection.client_fd, bytes, length, 0), length);
        if (ends)
                assert_return_code(shutdown(connection.client_fd, SHUT_WR), errno);
        int r = transport_handshake(connection.transport, ret_detail);
        if (r == -EPROTOTYPE) {
                struct transport plain;
                transport_init_plain(&plain, connection.server_fd);
                test_write_all(&plain, "HTTP/1.1 400 \r\n\r\n");
                char answer[64];
                assert_int_equal(recv(connection.client_fd, answer, sizeof(answer), 0), 17);
                assert_memory_equal(answer, "HTTP/1.1 400", 12);
        }
        return r;
}

static void plain_http_is_recognised(void **state) {
        static const char *const requests[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\n\r\n",
                                                "HEAD / HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n" };
        for (size_t i = 0; i < ELEMENTS_OF(requests); i++) {
                const char *detail = NULL;
                assert_int_equal(send_raw(*state, requests[i], strlen(requests[i]), false, &detail), -EPROTOTYPE);
                assert_non_null(strstr(detail, "plain HTTP"));
        }
}

static void garbage_is_refused_with_a_reason(void **state) {
        const char *detail = NULL;
        assert_int_equal(send_raw(*state, "SSH-2.0-OpenSSH_9.2\r\n", 21, false, &detail), -EPROTO);
        assert_string_equal(detail, "what came is not TLS");
        char zeros[600] = { 0 };
        assert_int_equal(send_raw(*state, zeros, sizeof(zeros), false, &detail), -EPROTO);
        assert_int_equal(send_raw(*state, "\x16\x03\x01", 3, true, &detail), -ECONNRESET);
        assert_string_equal(detail, "the client closed the connection");
        assert_int_equal(send_raw(*state, "", 0, true, &detail), -ECONNRESET);
        /* A ClientHello of TLS 1.0 without extensions. */
        static const char old[] = "\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x01"
                                  "0123456789abcdef0123456789abcdef"
                                  "\x00\x00\x02\x00\x2f\x01\x00";
        assert_int_equal(send_raw(*state, old, sizeof(old) - 1, false, &detail), -EPROTO);
        assert_string_equal(detail, "the client offers no TLS version that is allowed here");
}

static void a_clients_alert_is_told(void **state) {
        struct fixture *fixture = *state;
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        SSL_set_verify(connection.client, SSL_VERIFY_PEER, NULL);
        assert_int_equal(test_connection_handshake(&connection), -EPROTO);
        assert_string_equal(connection.detail, "the client does not know who issued the certificate");
}

static void check_protocol(struct tls_context *context, SSL_CTX *client, const char *offered, int expected_result,
                           enum tls_protocol expected) {
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, context, client);
        assert_int_equal(SSL_set_alpn_protos(connection.client, (const unsigned char *) offered,
                                             (unsigned) strlen(offered)),
                         0);
        assert_int_equal(test_connection_handshake(&connection), expected_result);
        if (expected_result == 0)
                assert_int_equal(tls_transport_protocol(connection.transport), expected);
        else
                assert_string_equal(connection.detail, "the client offers no application protocol that is spoken here");
}

static void the_protocol_is_ours_to_prefer(void **state) {
        struct fixture *fixture = *state;
        check_protocol(fixture->context, fixture->client, "\x08http/1.1\x02h2", 0, TLS_PROTOCOL_HTTP2);
        check_protocol(fixture->context, fixture->client, "\x08http/1.1", 0, TLS_PROTOCOL_HTTP1);
        check_protocol(fixture->context, fixture->client,
                       "\x03"
                       "ftp",
                       -EPROTO, TLS_PROTOCOL_NONE);

        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        struct tls_context *without = test_context_new(&config, 1, NULL, NULL, false);
        check_protocol(without, fixture->client, "\x08http/1.1\x02h2", 0, TLS_PROTOCOL_HTTP1);
        check_protocol(without, fixture->client, "\x02h2", -EPROTO, TLS_PROTOCOL_NONE);
        tls_context_unref(without);
}

static void a_connection_outlives_its_context(void **state) {
        struct fixture *fixture = *state;
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        struct tls_context *context = test_context_new(&config, 1, NULL, NULL, false);
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, context, fixture->client);
        tls_context_unref(context);
        test_connection_establish(&connection);
}

static void a_long_chain_passes_a_full_socket(void **state) {
        struct fixture *fixture = *state;
        const struct identity *chain[61];
        for (size_t i = 0; i < ELEMENTS_OF(chain); i++)
                chain[i] = &fixture->identity;
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        (void) test_folder_write_certificates(&fixture->folder, "main.pem", chain, ELEMENTS_OF(chain));
        struct tls_context *context = test_context_new(&config, 1, NULL, NULL, false);
        static const int versions[] = { TLS1_3_VERSION, TLS1_2_VERSION };
        for (size_t i = 0; i < ELEMENTS_OF(versions); i++) {
                _cleanup_connection_ struct test_connection connection;
                test_connection_init(&connection, context, fixture->client);
                int size = 1;
                (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
                assert_int_equal(SSL_set_max_proto_version(connection.client, versions[i]), 1);
                const char *detail = NULL;
                assert_int_equal(SSL_do_handshake(connection.client), -1);
                assert_int_equal(transport_handshake(connection.transport, &detail), -EAGAIN);
                assert_true(connection.transport->wants_write);
                test_connection_establish(&connection);
        }
        tls_context_unref(context);
}

static void a_full_socket_and_new_keys_go_together(void **state) {
        _cleanup_connection_ struct test_connection connection;
        establish(*state, &connection);
        int size = 1;
        (void) setsockopt(connection.server_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        size_t sent = 0, received = 0;
        const size_t total = 400000, piece = 3000;
        char bytes[3000];
        for (int round = 0; received < total; round++) {
                if (round % 3 == 0) { /* the client asks us to change keys: our answer goes before our next bytes */
                        assert_int_equal(SSL_key_update(connection.client, SSL_KEY_UPDATE_REQUESTED), 1);
                        test_client_write(connection.client, "?");
                        test_transport_expect(connection.transport, "?");
                }
                ssize_t r = 1;
                while (r > 0 && sent < total) {
                        struct iovec vector = { bytes, MIN_OF(piece, total - sent) };
                        for (size_t i = 0; i < vector.iov_len; i++)
                                bytes[i] = pattern(sent + i);
                        r = transport_write(connection.transport, &vector, 1, false);
                        if (r > 0)
                                sent += (size_t) r;
                }
                assert_true(r > 0 || r == -EAGAIN);
                received += client_take(connection.client, received);
        }
        assert_int_equal(sent, total);
}

static void renegotiation_is_refused(void **state) {
        struct fixture *fixture = *state;
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        assert_int_equal(SSL_set_max_proto_version(connection.client, TLS1_2_VERSION), 1);
        test_connection_establish(&connection);
        assert_int_equal(SSL_renegotiate(connection.client), 1);
        assert_int_equal(SSL_do_handshake(connection.client), -1);
        char buffer[16];
        assert_int_equal(transport_read(connection.transport, buffer, sizeof(buffer)), -EAGAIN);
        int r = SSL_do_handshake(connection.client);
        assert_int_equal(SSL_get_error(connection.client, r), SSL_ERROR_SSL); /* no_renegotiation */
}

static void shutdown_before_or_after_a_failure_only_ends_the_stream(void **state) {
        struct fixture *fixture = *state;
        _cleanup_connection_ struct test_connection connection;
        test_connection_init(&connection, fixture->context, fixture->client);
        const char *detail = NULL;
        assert_int_equal(transport_handshake(connection.transport, &detail), -EAGAIN);
        assert_int_equal(transport_shutdown(connection.transport), 0);
        char byte;
        assert_int_equal(recv(connection.client_fd, &byte, 1, 0), 0);
        test_connection_done(&connection);

        test_connection_init(&connection, fixture->context, fixture->client);
        assert_int_equal(send(connection.client_fd, "nonsense", 8, 0), 8);
        assert_int_equal(transport_handshake(connection.transport, &detail), -EPROTO);
        assert_int_equal(transport_shutdown(connection.transport), 0);
        assert_int_equal(transport_handshake(connection.transport, &detail), -EPROTO);
}

/* Where the kernel was expected to seal and does not, the connection is like any other. */
static void the_stream_takes_over_from_the_kernel(void **state) {
        struct fixture *fixture = *state;
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        struct tls_context *context = test_context_new(&config, 1, NULL, NULL, false);
        SSL_CTX_set_options(context->ssl, SSL_OP_ENABLE_KTLS);
        atomic_store(&context->kernel_tls, TLS_KERNEL_ON);
        struct tls_context *usual = fixture->context;
        fixture->context = context;
        check_stream(fixture, 1024, 1, 300000, 0);
        check_file(fixture, 1, 0);
        fixture->context = usual;
        tls_context_unref(context);
}

static void check_kernel_stream(struct test_connection *connection, size_t total) {
        char bytes[7000];
        size_t sent = 0, received = 0;
        while (received < total) {
                if (sent < total) {
                        size_t length = MIN_OF(sizeof(bytes), total - sent);
                        struct iovec vector[2] = { { bytes, length / 3 }, { bytes + length / 3, length - length / 3 } };
                        for (size_t i = 0; i < length; i++)
                                bytes[i] = pattern(sent + i);
                        ssize_t r = transport_write(connection->transport, vector, 2, sent + length < total);
                        assert_true(r > 0 || r == -EAGAIN);
                        sent += r > 0 ? (size_t) r : 0;
                }
                received += client_take(connection->client, received);
        }
}

static void check_kernel_file(struct test_connection *connection, size_t total) {
        _cleanup_close_ int file = make_file(total);
        size_t sent = 0, received = 0;
        while (received < total) {
                if (sent < total) {
                        ssize_t r = transport_send_file(connection->transport, file, (off_t) sent, total - sent, false);
                        assert_true(r > 0 || r == -EAGAIN);
                        sent += r > 0 ? (size_t) r : 0;
                }
                received += client_take(connection->client, received);
        }
        assert_int_equal(transport_send_file(connection->transport, file, (off_t) total, 10, false), 0);
}

/* Only where the kernel has TLS: the virtual machine of the system tests has. */
static void the_kernel_seals_where_it_can(void **state) {
        struct fixture *fixture = *state;
        struct config_certificate config =
                        test_folder_write_identity(&fixture->folder, "main", &fixture->identity, NULL);
        struct config_tls tls = test_tls;
        tls.kernel_tls = true;
        const struct tls_context_options options = {
                .tls = &tls, .listener = &test_listener, .certificates = &config, .certificate_count = 1
        };
        struct tls_context *context = NULL;
        assert_int_equal(tls_context_new(&options, NULL, &context), 0);
        static const struct {
                int version;
                const char *suite;
        } cases[] = { { TLS1_3_VERSION, NULL },
                      { TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
                      { TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305" } };
        bool is_kernel = true;
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                _cleanup_connection_ struct test_connection connection;
                test_connection_init_tcp(&connection, context, fixture->client);
                assert_int_equal(SSL_set_max_proto_version(connection.client, cases[i].version), 1);
                if (cases[i].suite)
                        assert_int_equal(SSL_set_cipher_list(connection.client, cases[i].suite), 1);
                test_connection_establish(&connection);
                is_kernel = is_kernel && connection.transport->is_zero_copy;
                check_kernel_stream(&connection, 3000000);
                check_kernel_file(&connection, 3000003);
                test_client_write(connection.client, "last");
                test_transport_expect(connection.transport, "last");
                assert_int_equal(transport_shutdown(connection.transport), 0);
                char byte;
                int r;
                while ((r = SSL_read(connection.client, &byte, 1)) < 0)
                        assert_int_equal(SSL_get_error(connection.client, r), SSL_ERROR_WANT_READ);
                assert_int_equal(SSL_get_error(connection.client, r), SSL_ERROR_ZERO_RETURN);
        }
        bool has_tls = atomic_load(&context->kernel_tls) == TLS_KERNEL_ON;
        tls_context_unref(context);
        if (!has_tls) {
                print_message("this kernel has no TLS (CONFIG_TLS, or its module is not loaded)\n");
                skip();
        }
        assert_true(is_kernel);
}

static void the_kernel_is_asked_only_of_tcp(void **state) {
        (void) state;
        int fds[2];
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), errno);
        int r = tls_kernel_attach(fds[0]);
        assert_true(r < 0 && r != -ENOENT);
        close_fd(fds[0]);
        close_fd(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_versions_shake_hands),
                cmocka_unit_test(a_handshake_goes_on_in_pieces),
                cmocka_unit_test(the_first_request_may_come_with_the_handshake),
                cmocka_unit_test(reading_joins_records_and_stops_when_nothing_is_left),
                cmocka_unit_test(a_record_in_pieces_is_waited_for),
                cmocka_unit_test(a_head_and_a_body_leave_in_one_record),
                cmocka_unit_test(streams_survive_a_full_socket),
                cmocka_unit_test(short_records_are_made_for_those_who_ask),
                cmocka_unit_test(sealed_bytes_are_taken_in_any_portion),
                cmocka_unit_test(a_file_is_sent_sealed),
                cmocka_unit_test(a_socket_that_was_full_for_a_moment_gets_nothing_twice),
                cmocka_unit_test(a_file_that_was_cut_short_ends),
                cmocka_unit_test(a_file_that_shrinks_while_it_waits_keeps_its_sealed_part),
                cmocka_unit_test(close_notify_is_the_orderly_end),
                cmocka_unit_test(an_end_without_close_notify_is_a_cut),
                cmocka_unit_test(shutdown_waits_for_what_was_written),
                cmocka_unit_test(a_forged_record_ends_the_connection),
                cmocka_unit_test(a_gone_peer_is_an_error),
                cmocka_unit_test(plain_http_is_recognised),
                cmocka_unit_test(garbage_is_refused_with_a_reason),
                cmocka_unit_test(a_clients_alert_is_told),
                cmocka_unit_test(the_protocol_is_ours_to_prefer),
                cmocka_unit_test(a_connection_outlives_its_context),
                cmocka_unit_test(a_long_chain_passes_a_full_socket),
                cmocka_unit_test(a_full_socket_and_new_keys_go_together),
                cmocka_unit_test(renegotiation_is_refused),
                cmocka_unit_test(shutdown_before_or_after_a_failure_only_ends_the_stream),
                cmocka_unit_test(the_stream_takes_over_from_the_kernel),
                cmocka_unit_test(the_kernel_seals_where_it_can),
                cmocka_unit_test(the_kernel_is_asked_only_of_tcp),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
