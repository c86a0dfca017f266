/* SPDX-License-Identifier: Apache-2.0 */
/* Which site answers for a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/site_router.h"
#include "shared/syscall.h"

#define HOSTS(...)                                                                       \
        {                                                                                \
                .items = (const char *[]) { __VA_ARGS__ },                               \
                .count = sizeof((const char *[]) { __VA_ARGS__ }) / sizeof(const char *) \
        }

static void assert_site(const struct site_router *router, const char *host, ssize_t site) {
        ssize_t found = site_router_find(router, slice_of(host));
        if (found != site)
                fail_msg("%s: site %zd, not %zd", host, found, site);
}

static void test_precedence(void **state) {
        const struct config_site sites[] = {
                { .hosts = HOSTS("Example.org", "www.example.org") },
                { .hosts = HOSTS("*.example.org") },
                { .hosts = HOSTS("*.deep.example.org", "[2001:db8::1]", "192.0.2.7") },
                { .hosts = HOSTS("other.test", "example.org"), .is_default = true },
        };
        struct site_router *router;
        assert_int_equal(site_router_new(sites, ELEMENTS_OF(sites), &router), 0);
        assert_site(router, "example.org", 0);
        assert_site(router, "www.example.org", 0);
        assert_site(router, "a.example.org", 1);
        assert_site(router, "a.b.c.example.org", 1);
        assert_site(router, "deep.example.org", 1);
        assert_site(router, "x.deep.example.org", 2);
        assert_site(router, "[2001:db8::1]", 2);
        assert_site(router, "192.0.2.7", 2);
        assert_site(router, "other.test", 3);
        assert_site(router, "badexample.org", 3);
        assert_site(router, ".example.org", 3);
        assert_site(router, "org", 3);
        assert_site(router, "", 3);
        assert_int_equal(site_router_find(router, SLICE_NULL), 3);
        site_router_free(router);
}

static void test_without_default(void **state) {
        const struct config_site sites[] = { { .hosts = HOSTS("a.test") }, { .hosts = HOSTS("*.b.test") } };
        struct site_router *router;
        assert_int_equal(site_router_new(sites, ELEMENTS_OF(sites), &router), 0);
        assert_site(router, "a.test", 0);
        assert_site(router, "x.b.test", 1);
        assert_site(router, "b.test", -1);
        assert_int_equal(site_router_find(router, SLICE_NULL), -1);
        site_router_free(router);

        assert_int_equal(site_router_new(NULL, 0, &router), 0);
        assert_site(router, "a.test", -1);
        site_router_free(router);
        site_router_free(NULL);
}

static void test_single_default(void **state) {
        const struct config_site site = { .is_default = true };
        struct site_router *router;
        assert_int_equal(site_router_new(&site, 1, &router), 0);
        assert_site(router, "anything.test", 0);
        assert_int_equal(site_router_find(router, SLICE_NULL), 0);
        site_router_free(router);
}

static void test_many(void **state) {
        enum { COUNT = 10000 };
        struct config_site *sites = calloc(COUNT, sizeof(*sites));
        const char **names = calloc(COUNT, sizeof(*names));
        assert_true(sites && names);
        for (unsigned i = 0; i < COUNT; i++) {
                char *name = NULL;
                assert_true(asprintf(&name, i % 2 ? "*.wild-%u.test" : "site-%u.test", i) > 0);
                names[i] = name;
                sites[i].hosts = (struct config_strings) { &names[i], 1 };
        }
        struct site_router *router;
        assert_int_equal(site_router_new(sites, COUNT, &router), 0);
        for (unsigned i = 0; i < COUNT; i++) {
                char host[64];
                (void) snprintf(host, sizeof(host), i % 2 ? "www.wild-%u.test" : "site-%u.test", i);
                assert_site(router, host, i);
        }
        site_router_free(router);
        for (unsigned i = 0; i < COUNT; i++)
                free((void *) names[i]);
        free(names);
        free(sites);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_precedence),
                cmocka_unit_test(test_without_default),
                cmocka_unit_test(test_single_default),
                cmocka_unit_test(test_many),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
