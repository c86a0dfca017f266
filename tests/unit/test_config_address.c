/* SPDX-License-Identifier: Apache-2.0 */
/* Listening addresses: what they mean, what is said of those that are none, and which of them exclude each other. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <cmocka.h>

#include "config/listener_section.h"

static void assert_written(const struct config_address *address, const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        config_address_append(&text, (const struct sockaddr *) &address->storage, address->length);
        assert_string_equal(text.data, expected);
}

static void addresses_are_parsed(void **state) {
        (void) state;
        static const struct {
                const char *text;
                int family;
                const char *written;
        } cases[] = {
                { "80", AF_INET6, "[::]:80" },
                { "0", AF_INET6, "[::]:0" },
                { "65535", AF_INET6, "[::]:65535" },
                { "0080", AF_INET6, "[::]:80" },
                { "[::]:80", AF_INET6, "[::]:80" },
                { "[2001:DB8:0::1]:8080", AF_INET6, "[2001:db8::1]:8080" },
                { "[::ffff:10.0.0.1]:1", AF_INET6, "[::ffff:10.0.0.1]:1" },
                { "127.0.0.1:8080", AF_INET, "127.0.0.1:8080" },
                { "0.0.0.0:0", AF_INET, "0.0.0.0:0" },
                { "unix:/run/x.sock", AF_UNIX, "unix:/run/x.sock" },
                { "unix:/", AF_UNIX, "unix:/" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct error error = ERROR_INIT;
                struct config_address address;
                if (config_address_parse(cases[i].text, &error, &address) < 0)
                        fail_msg("%s", error.text);
                assert_int_equal(address.storage.ss_family, cases[i].family);
                assert_written(&address, cases[i].written);

                struct config_address again;
                assert_int_equal(config_address_parse(cases[i].written, NULL, &again), 0);
                assert_int_equal(again.length, address.length);
                assert_memory_equal(&again.storage, &address.storage, sizeof(address.storage));
        }
}

static void the_longest_path_of_a_socket(void **state) {
        (void) state;
        char text[5 + 108 + 1] = "unix:";
        memset(text + 5, '/', 107);
        struct config_address address;
        assert_int_equal(config_address_parse(text, NULL, &address), 0);
        assert_int_equal(address.length, sizeof(struct sockaddr_un));
        assert_written(&address, text);

        text[5 + 107] = '/';
        struct error error = ERROR_INIT;
        assert_int_equal(config_address_parse(text, &error, &address), -EINVAL);
        assert_string_equal(
                        error.text,
                        "'unix:///////////////////////////////////////////...' has a path above 107 bytes, the most "
                        "that a socket can have");
}

static void peers_of_any_kind_can_be_written(void **state) {
        (void) state;
        struct config_address address = { .storage.ss_family = AF_UNIX, .length = sizeof(sa_family_t) };
        assert_written(&address, "unix:");
        struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0name" };
        memcpy(&address.storage, &abstract, sizeof(abstract));
        address.length = offsetof(struct sockaddr_un, sun_path) + 5;
        assert_written(&address, "unix:@name");
        address = (struct config_address) { .storage.ss_family = AF_INET, .length = 4 };
        assert_written(&address, "address family 2");
}

static void mistakes_are_explained(void **state) {
        (void) state;
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "", "'' is empty; write for example 80, 127.0.0.1:80, [::1]:80 or unix:/run/web.sock" },
                { "65536", "'65536' is no port from 0 to 65535" },
                { "99999999999999999999", "'99999999999999999999' is no port from 0 to 65535" },
                { "http", "'http' is a name, and names are not looked up; write 127.0.0.1:80 or [::1]:80" },
                { "localhost:80",
                  "'localhost:80' is a name, and names are not looked up; write 127.0.0.1:80 or [::1]:80" },
                { "http://127.0.0.1:80",
                  "'http://127.0.0.1:80' is a URL; write the address and the port alone, as in 127.0.0.1:80" },
                { ":80", "':80' names no address; for every address write the port alone, as in 80" },
                { "*:80", "'*:80' names no address; for every address write the port alone, as in 80" },
                { "127.0.0.1", "'127.0.0.1' needs a port from 0 to 65535 at its end, as in 127.0.0.1:80" },
                { "127.0.0.1:", "'127.0.0.1:' needs a port from 0 to 65535 at its end, as in 127.0.0.1:80" },
                { "127.0.0.1:80a", "'127.0.0.1:80a' needs a port from 0 to 65535 at its end, as in 127.0.0.1:80" },
                { "127.0.0.1:70000", "'127.0.0.1:70000' needs a port from 0 to 65535 at its end, as in 127.0.0.1:80" },
                { "127.0.0.256:80", "'127.0.0.256:80' does not begin with an IPv4 address, as 127.0.0.1:80 does" },
                { "127.1:80", "'127.1:80' does not begin with an IPv4 address, as 127.0.0.1:80 does" },
                { "000000000000000127.0.0.1:80",
                  "'000000000000000127.0.0.1:80' does not begin with an IPv4 address, as 127.0.0.1:80 "
                  "does" },
                { "::1", "'::1' needs brackets around the IPv6 address, as in [::1]:80" },
                { "::1:80", "'::1:80' needs brackets around the IPv6 address, as in [::1]:80" },
                { "fe80::1%eth0:80", "'fe80::1%eth0:80' needs brackets around the IPv6 address, as in [::1]:80" },
                { "[::1]", "'[::1]' needs a port from 0 to 65535 behind the bracket, as in [::1]:80" },
                { "[::1", "'[::1' needs a port from 0 to 65535 behind the bracket, as in [::1]:80" },
                { "[::1]80", "'[::1]80' needs a port from 0 to 65535 behind the bracket, as in [::1]:80" },
                { "[]:80", "'[]:80' has no IPv6 address in its brackets" },
                { "[127.0.0.1]:80", "'[127.0.0.1]:80' has no IPv6 address in its brackets" },
                { "[fe80::1%eth0]:80", "'[fe80::1%eth0]:80' has a zone, and link-local addresses are not supported" },
                { "[11111111111111111111111111111111111111111111111]:80",
                  "'[11111111111111111111111111111111111111111111111...' has no IPv6 address in its brackets" },
                { "unix:x.sock", "'unix:x.sock' needs an absolute path behind 'unix:'" },
                { "unix:", "'unix:' needs an absolute path behind 'unix:'" },
                { "unix:@abstract", "'unix:@abstract' needs an absolute path behind 'unix:'" },
                { "/run/x.sock", "'/run/x.sock' is a path; a socket in the file system is written unix:/run/web.sock" },
                { "unix:/run/x\ny", "'unix:/run/x y' has a line break or a tab in it" },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct error error = ERROR_INIT;
                struct config_address address;
                assert_int_equal(config_address_parse(cases[i].text, &error, &address), -EINVAL);
                assert_string_equal(error.text, cases[i].message);
        }
}

static void overlaps(void **state) {
        (void) state;
        static const struct {
                const char *a, *b;
                bool overlap;
        } cases[] = {
                { "80", "80", true },
                { "80", "81", false },
                { "80", "[::]:80", true },
                { "80", "0.0.0.0:80", true }, /* one socket for both families */
                { "80", "127.0.0.1:80", true },
                { "80", "[::1]:80", true },
                { "0.0.0.0:80", "127.0.0.1:80", true },
                { "0.0.0.0:80", "[::1]:80", false },
                { "0.0.0.0:80", "[::ffff:127.0.0.1]:80", true },
                { "127.0.0.1:80", "[::ffff:127.0.0.1]:80", true },
                { "127.0.0.1:80", "127.0.0.2:80", false },
                { "127.0.0.1:80", "127.0.0.1:80", true },
                { "127.0.0.1:80", "127.0.0.1:81", false },
                { "[::1]:80", "[::2]:80", false },
                { "0", "0", false }, /* the kernel picks another port each time */
                { "127.0.0.1:0", "127.0.0.1:0", false },
                { "unix:/run/x", "unix:/run/x", true },
                { "unix:/run/x", "unix:/run/xy", false },
                { "unix:/run/x", "80", false },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct config_address a, b;
                assert_int_equal(config_address_parse(cases[i].a, NULL, &a), 0);
                assert_int_equal(config_address_parse(cases[i].b, NULL, &b), 0);
                assert_true(config_address_overlap(&a, &b) == cases[i].overlap);
                assert_true(config_address_overlap(&b, &a) == cases[i].overlap);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_parsed),
                cmocka_unit_test(the_longest_path_of_a_socket),
                cmocka_unit_test(peers_of_any_kind_can_be_written),
                cmocka_unit_test(mistakes_are_explained),
                cmocka_unit_test(overlaps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
