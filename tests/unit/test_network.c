/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as people write them, and sets of them against a plain walk over the list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "shared/network.h"
#include "shared/syscall.h"

static struct ip_address ip(const char *text) {
        struct ip_address address;
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
        struct sockaddr_in ipv4 = { .sin_family = AF_INET };
        if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1) {
                assert_true(ip_address_from_socket((const struct sockaddr *) &ipv4, &address));
        } else {
                assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
                assert_true(ip_address_from_socket((const struct sockaddr *) &ipv6, &address));
        }
        return address;
}

static bool holds(const struct network *network, const struct ip_address *address) {
        return memcmp(address->bytes, network->first.bytes, IP_ADDRESS_SIZE) >= 0 &&
               memcmp(address->bytes, network->last.bytes, IP_ADDRESS_SIZE) <= 0;
}

static void texts(void **state) {
        (void) state;
        static const struct {
                const char *text, *first, *last;
        } good[] = {
                { "192.0.2.7", "192.0.2.7", "192.0.2.7" },
                { "192.0.2.7/32", "192.0.2.7", "192.0.2.7" },
                { "192.0.2.0/25", "192.0.2.0", "192.0.2.127" },
                { "0.0.0.0/0", "0.0.0.0", "255.255.255.255" },
                { "::1", "::1", "::1" },
                { "2001:db8::/33", "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff" },
                { "::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
                { "::ffff:192.0.2.0/120", "192.0.2.0", "192.0.2.255" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(good); i++) {
                struct network network;
                assert_int_equal(network_parse(good[i].text, NULL, &network), 0);
                struct ip_address first = ip(good[i].first), last = ip(good[i].last);
                assert_memory_equal(&network.first, &first, sizeof(first));
                assert_memory_equal(&network.last, &last, sizeof(last));
        }
        static const char *const bad[] = {
                "",
                "/",
                "192.0.2",
                "192.0.2.0/",
                "192.0.2.0/33",
                "192.0.2.0/024",
                "::/129",
                "::/-1",
                "192.0.2.0/ 24",
                "192.0.2.0/24 ",
                "localhost",
                "192.0.2.1/24",
                "::1/127/1",
                "2001:db8::1/64",
                "[::1]",
                "1.2.3.4:80",
        };
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
                const char *hint = NULL;
                struct network network;
                assert_int_equal(network_parse(bad[i], &hint, &network), -EINVAL);
                assert_non_null(hint);
        }
}

static void no_network(void **state) {
        (void) state;
        struct network_set *set;
        struct ip_address address = ip("192.0.2.1");
        assert_int_equal(network_set_new(NULL, 0, &set), 0);
        assert_false(network_set_has(set, &address));
        network_set_free(set);
        assert_false(network_set_has(NULL, &address));
        network_set_free(NULL);
}

static void other_families(void **state) {
        (void) state;
        struct ip_address address;
        struct sockaddr local = { .sa_family = AF_UNIX };
        assert_false(ip_address_from_socket(&local, &address));
}

/* Networks of every length in a small corner of the addresses, so that they overlap, touch and repeat. */
static void against_a_list(void **state) {
        (void) state;
        struct network networks[64];
        unsigned seed = 1;
        for (unsigned round = 0; round < 200; round++) {
                size_t count = round % ELEMENTS_OF(networks);
                for (size_t i = 0; i < count; i++) {
                        char text[64];
                        unsigned prefix = 22 + (unsigned) rand_r(&seed) % 11;
                        unsigned host = ((unsigned) rand_r(&seed) % 1024) >> (32 - prefix) << (32 - prefix);
                        (void) snprintf(text, sizeof(text), "192.0.%u.%u/%u", host / 256, host % 256, prefix);
                        assert_int_equal(network_parse(text, NULL, &networks[i]), 0);
                }
                struct network_set *set;
                assert_int_equal(network_set_new(networks, count, &set), 0);
                for (unsigned host = 0; host < 1100; host++) {
                        char text[INET_ADDRSTRLEN];
                        (void) snprintf(text, sizeof(text), "192.0.%u.%u", host / 256, host % 256);
                        struct ip_address address = ip(text);
                        bool is_there = false;
                        for (size_t i = 0; i < count; i++)
                                is_there |= holds(&networks[i], &address);
                        assert_int_equal(network_set_has(set, &address), is_there);
                }
                network_set_free(set);
        }
}

static void the_last_address(void **state) {
        (void) state;
        struct network networks[2];
        assert_int_equal(network_parse("ffff:ffff:ffff:ffff::/64", NULL, &networks[0]), 0);
        assert_int_equal(network_parse("::/128", NULL, &networks[1]), 0);
        struct network_set *set;
        assert_int_equal(network_set_new(networks, 2, &set), 0);
        struct ip_address first = ip("::"), second = ip("::1"), last = ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        assert_true(network_set_has(set, &first));
        assert_false(network_set_has(set, &second));
        assert_true(network_set_has(set, &last));
        network_set_free(set);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts),          cmocka_unit_test(no_network),       cmocka_unit_test(other_families),
                cmocka_unit_test(against_a_list), cmocka_unit_test(the_last_address),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
