/* SPDX-License-Identifier: Apache-2.0 */
/* Handing connections over, and what else may lie in the queue of whoever takes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/descriptor_passing.h"
#include "shared/syscall.h"

struct place {
        char folder[32];
        struct sockaddr_un address;
        int taker, sender;
};

static int set_up(void **state) {
        static struct place place;
        strcpy(place.folder, "/tmp/passing-XXXXXX");
        assert_non_null(mkdtemp(place.folder));
        place.address = (struct sockaddr_un) { .sun_family = AF_UNIX };
        strcpy(place.address.sun_path, place.folder);
        strcat(place.address.sun_path, "/socket");
        place.taker = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        place.sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(place.taker, (const struct sockaddr *) &place.address, sizeof(place.address)), 0);
        *state = &place;
        return 0;
}

static int tear_down(void **state) {
        struct place *place = *state;
        close_fd(place->taker);
        close_fd(place->sender);
        (void) unlink(place->address.sun_path);
        return rmdir(place->folder);
}

/* Sends so many copies of a descriptor in one message. */
static void send_copies(const struct place *place, int fd, size_t count) {
        char byte = 'x';
        struct iovec vector = { &byte, 1 };
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(16 * sizeof(int))];
        } control = { 0 };
        struct msghdr message = { .msg_name = (void *) &place->address,
                                  .msg_namelen = sizeof(place->address),
                                  .msg_iov = &vector,
                                  .msg_iovlen = 1,
                                  .msg_control = count ? control.bytes : NULL,
                                  .msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0 };
        control.header = (struct cmsghdr) { CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        for (size_t i = 0; i < count; i++)
                memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fd, sizeof(int));
        assert_int_equal(sendmsg(place->sender, &message, 0), 1);
}

static int lowest_free(void) {
        int fd = dup(0);
        return close_fd(fd), fd;
}

static void test_a_connection_is_handed_over(void **state) {
        const struct place *place = *state;
        int ends[2];
        char byte;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(descriptor_hand(place->sender, &place->address, ends[1]), 0);
        int taken = descriptor_take_connection(place->taker);
        assert_true(taken >= 0);
        assert_true(fcntl(taken, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(taken, F_GETFL) & O_NONBLOCK);
        assert_int_equal(write(ends[0], "a", 1), 1);
        assert_int_equal(read(taken, &byte, 1), 1);
        assert_int_equal(descriptor_take_connection(place->taker), -EAGAIN);
        close_fd(ends[0]);
        close_fd(ends[1]);
        assert_int_equal(read(taken, &byte, 1), 0);
        close_fd(taken);
}

static void test_nobody_is_there(void **state) {
        const struct place *place = *state;
        struct sockaddr_un nowhere = place->address;
        strcat(nowhere.sun_path, "-");
        assert_int_equal(descriptor_hand(place->sender, &nowhere, 0), -ENOENT);
}

static void test_a_full_queue_does_not_wait(void **state) {
        const struct place *place = *state;
        int r = 0;
        for (unsigned i = 0; i < 100000 && r == 0; i++)
                r = descriptor_hand(place->sender, &place->address, 0);
        assert_int_equal(r, -EAGAIN);
        while (descriptor_take_connection(place->taker) != -EAGAIN)
                ;
}

static void test_what_is_no_connection_is_closed(void **state) {
        const struct place *place = *state;
        int free_before = lowest_free(), pair[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        send_copies(place, null, 1);
        send_copies(place, pair[0], 1);
        send_copies(place, tcp, 1);
        send_copies(place, null, 0);
        close_fd(null);
        close_fd(tcp);
        close_fd(pair[0]);
        close_fd(pair[1]);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(descriptor_take_connection(place->taker), -EBADMSG);
        assert_int_equal(descriptor_take_connection(place->taker), -EAGAIN);
        assert_int_equal(lowest_free(), free_before);
}

static void test_several_at_once_are_all_closed(void **state) {
        const struct place *place = *state;
        int free_before = lowest_free(), ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        for (size_t count = 2; count <= 16; count++) {
                send_copies(place, ends[1], count);
                assert_int_equal(descriptor_take_connection(place->taker), -EBADMSG);
        }
        close_fd(ends[0]);
        close_fd(ends[1]);
        assert_int_equal(lowest_free(), free_before);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_connection_is_handed_over, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_nobody_is_there, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_a_full_queue_does_not_wait, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_is_no_connection_is_closed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_several_at_once_are_all_closed, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
