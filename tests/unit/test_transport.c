/* SPDX-License-Identifier: Apache-2.0 */
/* The plain transport over a socket pair: short counts, ends, full buffers, vectors, files, and copying a file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shared/syscall.h"
#include "tls/transport.h"

struct pair {
        struct transport transport;
        int peer;
};

static void pair_init(struct pair *pair) {
        int fds[2];
        assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), errno);
        transport_init_plain(&pair->transport, fds[0]);
        pair->peer = fds[1];
}

static void pair_done(struct pair *pair) {
        transport_free(&pair->transport);
        close_fd(pair->transport.fd);
        close_fd(pair->peer);
}

#define _cleanup_pair_ _cleanup_(pair_done)

/* A file of `length` bytes that count up. */
static int make_file(size_t length) {
        int fd = memfd_create("file", MFD_CLOEXEC);
        assert_return_code(fd, errno);
        _cleanup_free_ unsigned char *bytes = malloc(length + 1);
        for (size_t i = 0; i < length; i++)
                bytes[i] = (unsigned char) (i % 251);
        assert_int_equal(write(fd, bytes, length), length);
        return fd;
}

static void a_short_read_says_that_nothing_is_left(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        char buffer[8];
        pair.transport.wants_write = true;
        assert_int_equal(transport_read(&pair.transport, buffer, sizeof(buffer)), -EAGAIN);
        assert_false(pair.transport.wants_write);

        assert_int_equal(write(pair.peer, "0123456789", 10), 10);
        assert_int_equal(transport_read(&pair.transport, buffer, sizeof(buffer)), 8);
        assert_true(pair.transport.is_readable);
        assert_int_equal(transport_read(&pair.transport, buffer, sizeof(buffer)), 2);
        assert_false(pair.transport.is_readable);
        assert_memory_equal(buffer, "89", 2);
}

static void the_end_of_the_stream_is_zero(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        char buffer[8];
        assert_return_code(shutdown(pair.peer, SHUT_WR), errno);
        assert_int_equal(transport_read(&pair.transport, buffer, sizeof(buffer)), 0);
}

static void a_vector_is_written_up_to_what_fits(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        char block[65536] = { 0 };
        struct iovec vector[] = { { (char *) "ab", 2 }, { block, sizeof(block) } };
        assert_int_equal(transport_write(&pair.transport, vector, 1, false), 2);
        size_t total = 2;
        ssize_t written;
        while ((written = transport_write(&pair.transport, vector, 2, false)) > 0)
                total += (size_t) written;
        assert_int_equal(written, -EAGAIN);
        assert_true(pair.transport.wants_write);

        char drain[65536];
        ssize_t count;
        while ((count = read(pair.peer, drain, sizeof(drain))) > 0)
                total -= (size_t) count;
        assert_int_equal(total, 0);
}

static void more_pieces_than_a_call_takes_are_a_prefix(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        static char byte = 'x';
        struct iovec vector[IOV_MAX + 10];
        for (size_t i = 0; i < ELEMENTS_OF(vector); i++)
                vector[i] = (struct iovec) { &byte, 1 };
        assert_int_equal(transport_write(&pair.transport, vector, ELEMENTS_OF(vector), false), IOV_MAX);
}

static void a_gone_peer_is_an_error_without_a_signal(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        pair.peer = close_fd(pair.peer);
        struct iovec vector = { (char *) "ab", 2 };
        signal(SIGPIPE, SIG_DFL);
        assert_int_equal(transport_write(&pair.transport, &vector, 1, false), -EPIPE);
        signal(SIGPIPE, SIG_IGN);
}

typedef ssize_t send_function(struct transport *transport, int file, off_t offset, size_t length, bool more);

static ssize_t by_operation(struct transport *transport, int file, off_t offset, size_t length, bool more) {
        return transport_send_file(transport, file, offset, length, more);
}

static void check_file(send_function *send_file) {
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        const size_t length = 1000003;
        _cleanup_close_ int file = make_file(length);
        size_t sent = 7, received = 7;
        unsigned char buffer[70000];
        bool was_full = false;
        while (received < length) {
                if (sent < length) {
                        ssize_t count = send_file(&pair.transport, file, (off_t) sent, length - sent, false);
                        if (count > 0)
                                sent += (size_t) count;
                        else
                                assert_int_equal(count, -EAGAIN);
                        was_full |= sent < length;
                }
                ssize_t count = read(pair.peer, buffer, sizeof(buffer));
                assert_true(count > 0);
                for (ssize_t i = 0; i < count; i++)
                        assert_int_equal(buffer[i], (received + (size_t) i) % 251);
                received += (size_t) count;
        }
        assert_true(was_full);
        assert_int_equal(read(pair.peer, buffer, 1), -1);
}

static void a_file_is_sent_from_its_offset(void **state) {
        (void) state;
        check_file(by_operation);
        check_file(transport_copy_file);
}

static void check_cut_file(send_function *send_file) {
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        _cleanup_close_ int file = make_file(100);
        assert_int_equal(send_file(&pair.transport, file, 40, 1000, false), 60);
        assert_int_equal(send_file(&pair.transport, file, 100, 900, false), 0);
        assert_int_equal(send_file(&pair.transport, file, 200, 900, false), 0);
        assert_int_equal(send_file(&pair.transport, -1, 0, 10, false), -EBADF);
}

static void a_file_that_was_cut_short_ends(void **state) {
        (void) state;
        check_cut_file(by_operation);
        check_cut_file(transport_copy_file);
}

static void shutdown_ends_the_stream_for_the_peer(void **state) {
        (void) state;
        _cleanup_pair_ struct pair pair;
        pair_init(&pair);
        const char *detail = NULL;
        assert_int_equal(transport_handshake(&pair.transport, &detail), 0);
        assert_false(pair.transport.is_secure);
        assert_int_equal(transport_shutdown(&pair.transport), 0);
        char buffer[8];
        assert_int_equal(read(pair.peer, buffer, sizeof(buffer)), 0);
        assert_int_equal(write(pair.peer, "ab", 2), 2);
        assert_int_equal(transport_read(&pair.transport, buffer, sizeof(buffer)), 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_short_read_says_that_nothing_is_left),
                cmocka_unit_test(the_end_of_the_stream_is_zero),
                cmocka_unit_test(a_vector_is_written_up_to_what_fits),
                cmocka_unit_test(more_pieces_than_a_call_takes_are_a_prefix),
                cmocka_unit_test(a_gone_peer_is_an_error_without_a_signal),
                cmocka_unit_test(a_file_is_sent_from_its_offset),
                cmocka_unit_test(a_file_that_was_cut_short_ends),
                cmocka_unit_test(shutdown_ends_the_stream_for_the_peer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
