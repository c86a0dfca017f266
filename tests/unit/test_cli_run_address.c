/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as they are typed for `ccodesctl run`, and as a browser takes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/run_address.h"

static void expect(const char *typed, bool has_ipv6, const char *first, const char *second) {
        struct run_addresses addresses;
        struct error error = ERROR_INIT;
        assert_int_equal(run_address_parse(typed, has_ipv6, &error, &addresses), 0);
        assert_int_equal(addresses.count, second ? 2 : 1);
        assert_string_equal(addresses.items[0], first);
        if (second)
                assert_string_equal(addresses.items[1], second);
}

static void what_people_type(void **state) {
        (void) state;
        expect("8080", true, "8080", NULL);
        expect(":8080", true, "8080", NULL);
        expect("*:8080", true, "8080", NULL);
        expect("8080", false, "0.0.0.0:8080", NULL);
        expect(":0", false, "0.0.0.0:0", NULL);
        expect("localhost:8080", true, "127.0.0.1:8080", "[::1]:8080");
        expect("localhost:8080", false, "127.0.0.1:8080", NULL);
        expect("0.0.0.0:8080", true, "0.0.0.0:8080", NULL);
        expect("127.0.0.1:0", true, "127.0.0.1:0", NULL);
        expect("[::1]:8080", true, "[::1]:8080", NULL);
        expect("unix:/run/x.sock", true, "unix:/run/x.sock", NULL);
}

static void expect_refusal(const char *typed, const char *part) {
        struct run_addresses addresses = { .count = 77 };
        struct error error = ERROR_INIT;
        assert_int_equal(run_address_parse(typed, true, &error, &addresses), -EINVAL);
        assert_non_null(strstr(error.text, part));
        assert_int_equal(addresses.count, 77);
}

static void what_cannot_be(void **state) {
        (void) state;
        char large[400];
        memset(large, '1', sizeof(large) - 1);
        large[sizeof(large) - 1] = '\0';
        expect_refusal("", "is empty");
        expect_refusal("localhost", "needs a port");
        expect_refusal("localhost:", "");
        expect_refusal("localhost:http", "");
        expect_refusal("localhost:99999", "65535");
        expect_refusal(":99999", "65535");
        expect_refusal("example.org:80", "is a name");
        expect_refusal("http://localhost:80", "is a URL");
        expect_refusal("::1:80", "brackets");
        expect_refusal(large, "too long");
}

static void two_addresses_share_a_free_port(void **state) {
        (void) state;
        struct run_addresses addresses;
        struct config_address first, second;
        assert_int_equal(run_address_parse("localhost:0", true, NULL, &addresses), 0);
        assert_int_equal(run_address_choose_port(&addresses, NULL), 0);
        assert_int_equal(config_address_parse(addresses.items[0], NULL, &first), 0);
        assert_int_equal(config_address_parse(addresses.items[1], NULL, &second), 0);
        assert_string_not_equal(addresses.items[0], "127.0.0.1:0");
        assert_string_equal(strrchr(addresses.items[0], ':'), strrchr(addresses.items[1], ':'));

        assert_int_equal(run_address_parse("127.0.0.1:0", true, NULL, &addresses), 0);
        assert_int_equal(run_address_choose_port(&addresses, NULL), 0);
        assert_string_equal(addresses.items[0], "127.0.0.1:0"); /* one alone is the daemon's to choose */
        assert_int_equal(run_address_parse("localhost:81", true, NULL, &addresses), 0);
        assert_int_equal(run_address_choose_port(&addresses, NULL), 0);
        assert_string_equal(addresses.items[1], "[::1]:81");
}

static void expect_url(const char *address, bool tls, const char *url) {
        _cleanup_text_ struct text text = TEXT_INIT;
        run_address_append_urls(&text, address, tls);
        assert_string_equal(text.data, url);
}

static void urls(void **state) {
        (void) state;
        expect_url("127.0.0.1:8080", false, "http://localhost:8080/");
        expect_url("[::1]:8443", true, "https://localhost:8443/");
        expect_url("127.0.0.1:80", false, "http://localhost/");
        expect_url("127.0.0.1:443", true, "https://localhost/");
        expect_url("127.0.0.1:443", false, "http://localhost:443/");
        expect_url("192.0.2.1:80", false, "http://192.0.2.1/");
        expect_url("[2001:db8::1]:81", false, "http://[2001:db8::1]:81/");
        expect_url("unix:/run/x.sock", false, "unix:/run/x.sock");

        _cleanup_text_ struct text text = TEXT_INIT;
        run_address_append_urls(&text, "[::]:8080", false);
        assert_int_equal(strncmp(text.data, "http://localhost:8080/", 22), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_people_type),
                cmocka_unit_test(what_cannot_be),
                cmocka_unit_test(two_addresses_share_a_free_port),
                cmocka_unit_test(urls),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
