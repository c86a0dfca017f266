/* SPDX-License-Identifier: Apache-2.0 */
/* The sealed side of a connection by itself: order and completeness, whatever the socket takes at a time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shared/syscall.h"
#include "tls/tls_stream.h"

struct fixture {
        BIO_METHOD *method;
        BIO *bio;
        struct tls_stream stream;
        int peer;
        size_t written, received;
};

static int set_up(void **state) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        int fds[2], size = 1;
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), errno);
        assert_return_code(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), errno);
        fixture->stream.fd = fds[0];
        fixture->peer = fds[1];
        fixture->method = tls_stream_method_new();
        fixture->bio = tls_stream_bio_new(fixture->method, &fixture->stream);
        assert_non_null(fixture->bio);
        *state = fixture;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *fixture = *state;
        BIO_free(fixture->bio);
        BIO_meth_free(fixture->method);
        tls_stream_done(&fixture->stream);
        close_fd(fixture->stream.fd);
        close_fd(fixture->peer);
        free(fixture);
        return 0;
}

static char pattern(size_t i) {
        return (char) (i * 31 % 251);
}

/* Writes as OpenSSL does; what was taken counts. */
static int put(struct fixture *fixture, size_t length) {
        _cleanup_free_ char *bytes = malloc(length);
        for (size_t i = 0; i < length; i++)
                bytes[i] = pattern(fixture->written + i);
        int r = BIO_write(fixture->bio, bytes, (int) length);
        if (r > 0)
                fixture->written += (size_t) r;
        return r;
}

static void take(struct fixture *fixture) {
        char buffer[4096];
        ssize_t count;
        while ((count = recv(fixture->peer, buffer, sizeof(buffer), 0)) > 0) {
                for (ssize_t i = 0; i < count; i++)
                        assert_int_equal(buffer[i], pattern(fixture->received + (size_t) i));
                fixture->received += (size_t) count;
        }
}

static void take_all(struct fixture *fixture) {
        int turns = 0;
        while (tls_stream_flush(&fixture->stream) == -EAGAIN && turns++ < 10000)
                take(fixture);
        take(fixture);
        assert_int_equal(fixture->received, fixture->written);
        assert_true(tls_stream_is_clear(&fixture->stream));
}

static void a_write_is_always_taken_whole(void **state) {
        struct fixture *fixture = *state;
        assert_int_equal(put(fixture, 100), 100);
        assert_true(tls_stream_is_clear(&fixture->stream));
        assert_int_equal(put(fixture, 50000), 50000);
        assert_false(tls_stream_is_clear(&fixture->stream));
        assert_int_equal(put(fixture, 10), 10);
        take(fixture);
        assert_int_equal(put(fixture, 10), 10);
        take_all(fixture);
        assert_int_equal(put(fixture, 10), 10);
        take_all(fixture);
}

static void a_cork_gathers_until_it_is_pushed(void **state) {
        struct fixture *fixture = *state;
        char cork[1000], byte;
        tls_stream_cork(&fixture->stream, cork, sizeof(cork));
        for (int i = 0; i < 5; i++)
                assert_int_equal(put(fixture, 150), 150);
        assert_int_equal(tls_stream_cork_room(&fixture->stream), 250);
        assert_int_equal(recv(fixture->peer, &byte, 1, MSG_PEEK), -1);
        assert_int_equal(tls_stream_push(&fixture->stream, true), 0);
        assert_int_equal(put(fixture, 150), 150);
        assert_int_equal(tls_stream_uncork(&fixture->stream, false), 0);
        assert_int_equal(put(fixture, 150), 150);
        take_all(fixture);
}

static void what_does_not_fit_the_cork_pushes_it_out(void **state) {
        struct fixture *fixture = *state;
        char cork[100];
        tls_stream_cork(&fixture->stream, cork, sizeof(cork));
        assert_int_equal(put(fixture, 60), 60);
        assert_int_equal(put(fixture, 60), 60);
        assert_int_equal(put(fixture, 60), 60);
        assert_int_equal(put(fixture, 1000), 1000);
        assert_int_equal(tls_stream_uncork(&fixture->stream, false), 0);
        take_all(fixture);
}

static void a_full_socket_keeps_the_order(void **state) {
        struct fixture *fixture = *state;
        char cork[30000];
        assert_int_equal(put(fixture, 50000), 50000);
        for (int i = 0; i < 3; i++) { /* what is corked comes after what waits */
                tls_stream_cork(&fixture->stream, cork, sizeof(cork));
                assert_int_equal(put(fixture, 20000), 20000);
                assert_int_equal(tls_stream_uncork(&fixture->stream, false), -EAGAIN);
        }
        take(fixture);
        tls_stream_cork(&fixture->stream, cork, sizeof(cork));
        assert_int_equal(put(fixture, 20000), 20000);
        assert_int_equal(tls_stream_uncork(&fixture->stream, false), -EAGAIN);
        take_all(fixture);
}

static void nobody_makes_us_hold_without_end(void **state) {
        struct fixture *fixture = *state;
        char cork[30000];
        int r = 0;
        for (int i = 0; i < 100 && r != -ENOBUFS; i++) {
                tls_stream_cork(&fixture->stream, cork, sizeof(cork));
                assert_int_equal(put(fixture, 30000), 30000);
                r = tls_stream_uncork(&fixture->stream, false);
        }
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(tls_stream_flush(&fixture->stream), -ENOBUFS);
}

static void a_gone_peer_is_remembered(void **state) {
        struct fixture *fixture = *state;
        fixture->peer = close_fd(fixture->peer);
        assert_int_equal(put(fixture, 10), -1);
        assert_false(BIO_should_retry(fixture->bio));
        assert_int_equal(fixture->stream.failure, -EPIPE);
        assert_int_equal(tls_stream_flush(&fixture->stream), -EPIPE);
        char byte;
        assert_int_equal(BIO_read(fixture->bio, &byte, 1), 0);
        assert_true(BIO_eof(fixture->bio));
}

static void reading_waits_and_ends(void **state) {
        struct fixture *fixture = *state;
        char buffer[16];
        assert_int_equal(BIO_read(fixture->bio, buffer, sizeof(buffer)), -1);
        assert_true(BIO_should_read(fixture->bio));
        assert_int_equal(send(fixture->peer, "abc", 3, 0), 3);
        assert_int_equal(BIO_read(fixture->bio, buffer, sizeof(buffer)), 3);
        assert_false(BIO_eof(fixture->bio));
        assert_return_code(shutdown(fixture->peer, SHUT_WR), errno);
        assert_int_equal(BIO_read(fixture->bio, buffer, sizeof(buffer)), 0);
        assert_true(BIO_eof(fixture->bio));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(a_write_is_always_taken_whole),
                TEST(a_cork_gathers_until_it_is_pushed),
                TEST(what_does_not_fit_the_cork_pushes_it_out),
                TEST(a_full_socket_keeps_the_order),
                TEST(nobody_makes_us_hold_without_end),
                TEST(a_gone_peer_is_remembered),
                TEST(reading_waits_and_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
