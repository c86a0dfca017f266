/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end of a socket, as far as one process can be at both. Other users ask in
 * tests/integration/test_roles.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "shared/peer_credentials.h"
#include "shared/syscall.h"

static int credentials_of(int fd, struct peer_credentials *ret_peer, struct arena *arena) {
        arena_init(arena, 0);
        return peer_credentials_get(fd, arena, ret_peer);
}

static void test_the_other_end(void **state) {
        (void) state;
        struct arena arena;
        struct peer_credentials peer;
        gid_t groups[1024];
        int ends[2], count = getgroups(ELEMENTS_OF(groups), groups);
        assert_true(count >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        assert_int_equal(credentials_of(ends[0], &peer, &arena), 0);
        assert_int_equal(peer.pid, getpid());
        assert_int_equal(peer.uid, geteuid());
        assert_int_equal(peer.gid, getegid());
        assert_int_equal(peer.group_count, count);
        for (int i = 0; i < count; i++)
                assert_true(peer_credentials_have_group(&peer, groups[i]));
        assert_true(peer_credentials_have_group(&peer, getegid()));
        assert_false(peer_credentials_have_group(&peer, 4294900000U));
        arena_done(&arena);
        close_fd(ends[0]);
        close_fd(ends[1]);
}

static void test_nobody_there(void **state) {
        (void) state;
        struct arena arena;
        struct peer_credentials peer;
        _cleanup_close_ int unconnected = socket(AF_UNIX, SOCK_STREAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(credentials_of(unconnected, &peer, &arena), -ENOTCONN);
        assert_int_equal(credentials_of(tcp, &peer, &arena), -EOPNOTSUPP);
        arena_done(&arena);
}

static void test_groups_by_name(void **state) {
        (void) state;
        gid_t group = 1;
        assert_int_equal(group_by_name("root", &group), 0);
        assert_int_equal(group, 0);
        assert_int_equal(group_by_name("no-such-group", &group), -ENOENT);
        assert_int_equal(group, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_other_end),
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_groups_by_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
