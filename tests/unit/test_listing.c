/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: the way they are asked for, their order, their bound, and names that want to be more than names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "server/listing.h"
#include "shared/syscall.h"

static void assert_view(const char *query, const char *accept, enum listing_order order, bool descending, bool json) {
        struct listing_view view = listing_view_choose(slice_of(query), slice_of(accept));
        assert_int_equal(view.order, order);
        assert_int_equal(view.is_descending, descending);
        if (view.is_json != json)
                fail_msg("Accept: %s", accept);
}

static void assert_page(const char *query, unsigned page) {
        assert_int_equal(listing_view_choose(slice_of(query), SLICE_NULL).page, page);
}

static void chooses_the_view(void **state) {
        assert_view(NULL, NULL, LISTING_BY_NAME, false, false);
        assert_view("", "", LISTING_BY_NAME, false, false);
        assert_view("sort=size&order=descending", NULL, LISTING_BY_SIZE, true, false);
        assert_view("a=b&sort=time&&order=ascending", NULL, LISTING_BY_TIME, false, false);
        assert_view("sort=sizes&order=", NULL, LISTING_BY_NAME, false, false);
        assert_page("page=1", 0);
        assert_page("sort=size&page=7", 6);
        assert_page("page=0", 0);
        assert_page("page=", 0);
        assert_page("page=-1", 0);
        assert_page("page=2x", 0);
        assert_page("page=99999999999999999999999", LISTING_NAMES_MAX - 1);
        assert_view(NULL, "application/json", LISTING_BY_NAME, false, true);
        assert_view(NULL, "text/html, application/json", LISTING_BY_NAME, false, false);
        assert_view(NULL, "text/html;q=0.5, application/json;q=0.9", LISTING_BY_NAME, false, true);
        assert_view(NULL, "text/html, application/json;q=0.9", LISTING_BY_NAME, false, false);
        assert_view(NULL, "application/json;q=0", LISTING_BY_NAME, false, false);
        assert_view(NULL, "application/json;q=inf, text/html;q=1e99", LISTING_BY_NAME, false, false);
        assert_view(NULL, "*/*", LISTING_BY_NAME, false, false);
        assert_view(NULL, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", LISTING_BY_NAME, false,
                    false);
        assert_view(NULL, ",;q=,\"application/json", LISTING_BY_NAME, false, false);
}

static void numbers_views(void **state) {
        bool seen[LISTING_VIEWS + 1] = { 0 };
        for (unsigned order = LISTING_BY_NAME; order <= LISTING_BY_TIME; order++)
                for (unsigned flags = 0; flags < 4; flags++) {
                        struct listing_view view = { (enum listing_order) order, flags & 1, flags & 2, 0 };
                        unsigned number = listing_view_number(view);
                        assert_in_range(number, 1, LISTING_VIEWS);
                        assert_true(listing_view_is(number));
                        view.page = LISTING_NAMES_MAX - 1;
                        assert_int_equal(listing_view_from_number(listing_view_number(view)).page, view.page);
                        assert_true(listing_view_is(listing_view_number(view)));
                        assert_false(seen[number]);
                        seen[number] = true;
                        struct listing_view back = listing_view_from_number(number);
                        assert_int_equal(back.order, view.order);
                        assert_int_equal(back.is_descending, view.is_descending);
                        assert_int_equal(back.is_json, view.is_json);
                }
}

/* As listing_read leaves them. */
static struct listing_item items[] = {
        { .name = SLICE_LITERAL("folder"), .is_folder = true, .modified = 50 },
        { .name = SLICE_LITERAL("a"), .size = 5, .modified = 300 },
        { .name = SLICE_LITERAL("ab"), .size = 1, .modified = 200 },
        { .name = SLICE_LITERAL("b"), .size = 5, .modified = 100 },
};

static void drop_orders(struct listing *listing) {
        for (unsigned i = 0; i < LISTING_ORDERS; i++)
                free(listing->orders[i]);
}

static void assert_order(struct listing_view view, const char *names) {
        struct listing listing = { .items = items, .count = ELEMENTS_OF(items) };
        const uint32_t *positions = listing_sorted(&listing, view);
        char text[64] = "";
        for (size_t i = 0; i < listing.count; i++)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s ",
                                SLICE_PRINTF(listing.items[positions[i]].name));
        assert_string_equal(text, names);
        assert_ptr_equal(listing_sorted(&listing, view), positions);
        drop_orders(&listing);
}

static void sorts(void **state) {
        assert_order((struct listing_view) { LISTING_BY_NAME, false, false, 0 }, "folder a ab b ");
        assert_order((struct listing_view) { LISTING_BY_NAME, true, false, 0 }, "folder b ab a ");
        assert_order((struct listing_view) { LISTING_BY_SIZE, false, false, 0 }, "folder ab a b ");
        assert_order((struct listing_view) { LISTING_BY_SIZE, true, false, 0 }, "folder a b ab ");
        assert_order((struct listing_view) { LISTING_BY_TIME, true, false, 0 }, "folder a ab b ");
}

static void escapes_names(void **state) {
        struct listing_item hostile[] = {
                { .name = SLICE_LITERAL("\"><script>alert(1)</script>"), .size = 2048 },
                { .name = SLICE_LITERAL("javascript:x"), .size = 3 << 20 },
                { .name = SLICE_LITERAL("a&copy.txt") },
                { .name = SLICE_LITERAL("\xff\n") },
        };
        struct listing listing = { .items = hostile, .count = ELEMENTS_OF(hostile) };
        _cleanup_text_ struct text page = TEXT_INIT, json = TEXT_INIT;
        listing_append_page(&listing, SLICE_LITERAL("/<b>/"), (struct listing_view) { 0 }, &page);
        assert_false(page.failed);
        assert_null(strstr(page.data, "<script"));
        assert_null(strstr(page.data, "<b>"));
        assert_non_null(strstr(page.data, "href=\"./%22%3E%3Cscript%3Ealert(1)%3C/script%3E\""));
        assert_non_null(strstr(page.data, "href=\"./javascript"));
        assert_non_null(strstr(page.data, "href=\"./a&amp;copy.txt\""));
        assert_non_null(strstr(page.data, "2.0 KiB"));
        assert_non_null(strstr(page.data, "3.0 MiB"));
        assert_non_null(strstr(page.data, "href=\"./%FF%0A\""));

        listing_append_json(&listing, SLICE_LITERAL("/x/"), (struct listing_view) { .is_json = true }, &json);
        assert_false(json.failed);
        assert_non_null(strstr(json.data, "\"name\":\"\\\"><script>"));
        assert_non_null(strstr(json.data, "\"name\":\"\xef\xbf\xbd\\n\""));
        drop_orders(&listing);
}

static char *render(struct listing *listing, struct listing_view view) {
        struct text text = TEXT_INIT;
        char *rendered;
        if (view.is_json)
                listing_append_json(listing, SLICE_LITERAL("/"), view, &text);
        else
                listing_append_page(listing, SLICE_LITERAL("/"), view, &text);
        assert_int_equal(text_finish(&text, &rendered, NULL), 0);
        return rendered;
}

static void assert_shows(struct listing *listing, struct listing_view view, const char *const *there,
                         const char *const *absent) {
        _cleanup_free_ char *text = render(listing, view);
        for (; *there; there++)
                if (!strstr(text, *there))
                        fail_msg("'%s' is missing", *there);
        for (; *absent; absent++)
                if (strstr(text, *absent))
                        fail_msg("'%s' is there", *absent);
}
#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void shows_page_by_page(void **state) {
        enum { COUNT = 2 * LISTING_JSON_ITEMS + 1 };
        struct listing listing = { .items = calloc(COUNT, sizeof(*listing.items)), .count = COUNT };
        _cleanup_free_ char *names = malloc((size_t) COUNT * 8);
        assert_non_null(listing.items);
        assert_non_null(names);
        for (unsigned i = 0; i < COUNT; i++) {
                (void) snprintf(names + 8 * i, 8, "n%05u", i);
                listing.items[i] = (struct listing_item) { .name = { names + 8 * i, 6 }, .size = i };
        }
        struct listing_view view = { .page = 0 };
        assert_int_equal(listing_page_count(&listing, view), 21);
        assert_shows(&listing, view, WORDS(">n00000<", ">n00999<", "Page 1 of 21", "?sort=name&amp;page=2\">Next"),
                     WORDS(">n01000<", "page=0\">Previous"));
        view = (struct listing_view) { .order = LISTING_BY_SIZE, .is_descending = true, .page = 20 };
        assert_shows(&listing, view,
                     WORDS(">n00000<", "Page 21 of 21", "?sort=size&amp;order=descending&amp;page=20\">Previous"),
                     WORDS(">n00001<", "page=22\">Next"));
        view = listing_view_within((struct listing_view) { .is_json = true, .page = 99 }, &listing);
        assert_int_equal(view.page, 2);
        assert_shows(&listing, view, WORDS("\"n20000\"", "\"complete\":false", "\"count\":20001", "\"page\":3"),
                     WORDS("\"n19999\"", "\"next\""));
        view.page = 1;
        assert_shows(&listing, view, WORDS("\"n10000\"", "\"next\":\"?sort=name&page=3\""), WORDS("\"n09999\""));
        listing.count = 3;
        view.page = 0;
        assert_shows(&listing, view, WORDS("\"complete\":true", "\"pages\":1"), WORDS("next"));
        assert_shows(&listing, (struct listing_view) { 0 }, WORDS("3 entries"), WORDS("<nav"));
        listing_done(&listing);
}

static void stops_at_the_bound(void **state) {
        /* In memory, where there is such a place: it is many files. */
        char in_memory[] = "/dev/shm/ccodes-listing-XXXXXX", on_disk[] = "/tmp/ccodes-listing-XXXXXX", name[32];
        const char *folder = mkdtemp(in_memory) ? in_memory : mkdtemp(on_disk);
        assert_non_null(folder);
        char command[64];
        const struct config_site config = { .name = "test" };
        struct site site = { .config = &config,
                             .prefix_length = 1,
                             .root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) };
        for (unsigned i = 0; i < LISTING_NAMES_MAX + 1; i++) {
                (void) snprintf(name, sizeof(name), i % 2 ? "file-%u" : ".hidden-%u", i);
                assert_int_equal(mknodat(site.root, name, S_IFREG | 0644, 0), 0);
                if (i + 1 < LISTING_NAMES_MAX)
                        continue;
                struct listing listing = LISTING_INIT;
                assert_int_equal(listing_read(&site, "/", &listing), 0);
                assert_in_range(listing.count, LISTING_NAMES_MAX / 2 - 1,
                                LISTING_NAMES_MAX / 2); /* hidden ones count */
                assert_int_equal(listing.is_cut, i == LISTING_NAMES_MAX);
                _cleanup_free_ char *page = render(&listing, (struct listing_view) { 0 });
                assert_int_equal(strstr(page, "holds more than") != NULL, listing.is_cut);
                assert_true(listing_bytes(&listing) < (size_t) LISTING_NAMES_MAX * 128);
                listing_done(&listing);
        }
        struct listing listing = LISTING_INIT;
        assert_int_equal(listing_read(&site, "/missing/", &listing), -ENOENT);
        listing_done(&listing);
        close_fd(site.root);
        (void) snprintf(command, sizeof(command), "rm -r -- '%s'", folder);
        assert_int_equal(system(command), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chooses_the_view),
                cmocka_unit_test(numbers_views),
                cmocka_unit_test(sorts),
                cmocka_unit_test(escapes_names),
                cmocka_unit_test(shows_page_by_page),
                cmocka_unit_test(stops_at_the_bound),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
