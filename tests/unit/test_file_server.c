/* SPDX-License-Identifier: Apache-2.0 */
/* The file server as a client sees it, over the real engine: what is served, what is refused, and with which fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "file_harness.h"
#include "shared/syscall.h"

#define SITE "[[site]]\nname = \"test\"\nroot = \"@ROOT@\"\n"

static int set_up(void **state) {
        *state = site_harness_new();
        return 0;
}

static int tear_down(void **state) {
        site_harness_free(*state);
        return 0;
}

static void assert_body(struct site_harness *site, const char *body) {
        struct slice found = site_harness_body(site);
        if (!slice_equal_text(found, body))
                fail_msg("body '%.*s', not '%s'", SLICE_PRINTF(found), body);
}

static void assert_field(struct site_harness *site, const char *name, const char *value) {
        const char *found = site_harness_field(site, name);
        if (strcmp(found, value) != 0)
                fail_msg("%s: '%s', not '%s', in:\n%.600s", name, found, value, site->last.data);
}

static void assert_status(struct site_harness *site, const char *head, int status) {
        const char *answer = site_harness_ask(site, head);
        if (site_harness_status(site) != status)
                fail_msg("%s: not %d but\n%.600s", head, status, answer);
}

static void serves_files(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "index.html", "<p>home");
        site_harness_write_text(site, "sub/index.html", "<p>sub");
        site_harness_write_text(site, "a b.txt", "space");
        site_harness_write_text(site, "README", "plain");
        site_harness_write_text(site, "empty.css", "");
        site_harness_start(site, SITE);

        assert_status(site, "GET /", 200);
        assert_body(site, "<p>home");
        assert_field(site, "Content-Type", "text/html; charset=utf-8");
        assert_field(site, "Content-Length", "7");
        assert_field(site, "Accept-Ranges", "bytes");
        assert_field(site, "X-Content-Type-Options", "nosniff");
        assert_string_not_equal(site_harness_field(site, "ETag"), "");
        assert_string_not_equal(site_harness_field(site, "Last-Modified"), "");
        assert_field(site, "Strict-Transport-Security", "");

        assert_status(site, "GET /sub/", 200);
        assert_body(site, "<p>sub");
        assert_status(site, "GET /a%20b.txt?x=1", 200);
        assert_body(site, "space");
        assert_status(site, "GET /x/../README", 200);
        assert_body(site, "plain");
        assert_field(site, "Content-Type", "text/plain; charset=utf-8");
        assert_status(site, "GET /empty.css", 200);
        assert_body(site, "");
        assert_field(site, "Content-Length", "0");
        assert_status(site, "HEAD /index.html", 200);
        assert_body(site, "");
        assert_field(site, "Content-Length", "7");
}

static void redirects_to_the_folder(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "sub dir/index.html", "x");
        site_harness_start(site, SITE);
        assert_status(site, "GET /sub%20dir?a=b%20c", 301);
        assert_field(site, "Location", "/sub%20dir/?a=b%20c");
        assert_field(site, "Content-Length", "0");
        assert_status(site, "GET //sub%20dir", 301);
        assert_field(site, "Location", "/sub%20dir/");
}

static void refuses_what_it_must(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, ".secret", "x");
        site_harness_write_text(site, ".well-known/token", "token");
        site_harness_write_text(site, ".well-known/.hidden", "x");
        site_harness_write_text(site, "folder/file.txt", "x");
        site_harness_write_text(site, "unreadable", "x");
        assert_int_equal(mkfifoat(site->root, "fifo", 0644), 0);
        assert_int_equal(symlinkat("../../etc/passwd", site->root, "out"), 0);
        assert_int_equal(symlinkat("folder/file.txt", site->root, "in"), 0);
        site_harness_start(site, SITE);

        assert_status(site, "GET /missing", 404);
        assert_field(site, "Ccodes-Cause", "file-not-found");
        assert_status(site, "GET /.secret", 404);
        assert_field(site, "Ccodes-Cause", "file-hidden");
        assert_status(site, "GET /.well-known/token", 200);
        assert_status(site, "GET /.well-known/.hidden", 404);
        assert_status(site, "GET /folder/", 403);
        assert_field(site, "Ccodes-Cause", "listing-forbidden");
        assert_status(site, "GET /folder/file.txt/", 404);
        assert_status(site, "GET /folder/file.txt/more", 404);
        assert_status(site, "GET /fifo", 403);
        assert_status(site, "GET /out", 403);
        assert_field(site, "Ccodes-Cause", "symlink-forbidden");
        assert_status(site, "GET /in", 200);
        assert_status(site, "GET /%2e%2e/secret", 400);
        assert_status(site, "GET /a%00b", 400);

        assert_status(site, "POST /folder/file.txt\r\nContent-Length: 0", 405);
        assert_field(site, "Allow", "GET, HEAD, OPTIONS");
        assert_status(site, "OPTIONS /folder/file.txt", 204);
        assert_field(site, "Allow", "GET, HEAD, OPTIONS");
        assert_status(site, "OPTIONS *", 204);
        assert_status(site, "BREW /pot", 501);
}

static void follows_no_symlink_when_told(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "file.txt", "x");
        assert_int_equal(symlinkat("file.txt", site->root, "in"), 0);
        site_harness_start(site, SITE "symlinks = \"never\"\nhidden = true\n");
        site_harness_write_text(site, ".shown", "x");
        assert_status(site, "GET /in", 403);
        assert_field(site, "Ccodes-Cause", "symlink-forbidden");
        assert_status(site, "GET /file.txt", 200);
        assert_status(site, "GET /.shown", 200);
}

static void conditional_requests(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "file.txt", "content");
        site_harness_start(site, SITE "cache_control = \"max-age=60\"\n");
        assert_status(site, "GET /file.txt", 200);
        char etag[64], modified[64], head[256];
        strcpy(etag, site_harness_field(site, "ETag"));
        strcpy(modified, site_harness_field(site, "Last-Modified"));
        assert_true(etag[0] == '"');

        (void) snprintf(head, sizeof(head), "GET /file.txt\r\nIf-None-Match: %s", etag);
        assert_status(site, head, 304);
        assert_field(site, "ETag", etag);
        assert_field(site, "Cache-Control", "max-age=60");
        assert_field(site, "Content-Type", "");
        assert_body(site, "");
        (void) snprintf(head, sizeof(head), "GET /file.txt\r\nIf-Modified-Since: %s", modified);
        assert_status(site, head, 304);
        (void) snprintf(head, sizeof(head), "GET /file.txt\r\nIf-None-Match: \"x\"\r\nIf-Modified-Since: %s", modified);
        assert_status(site, head, 200);
        assert_status(site, "GET /file.txt\r\nIf-Match: \"x\"", 412);
        assert_field(site, "Ccodes-Cause", "precondition-failed");
        (void) snprintf(head, sizeof(head), "GET /file.txt\r\nIf-Match: %s", etag);
        assert_status(site, head, 200);
        assert_status(site, "GET /file.txt\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 412);
}

static void ranges(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "file.txt", "0123456789");
        site_harness_start(site, SITE);
        assert_status(site, "GET /file.txt\r\nRange: bytes=2-4", 206);
        assert_body(site, "234");
        assert_field(site, "Content-Range", "bytes 2-4/10");
        assert_field(site, "Content-Length", "3");
        assert_status(site, "GET /file.txt\r\nRange: bytes=-3", 206);
        assert_body(site, "789");
        assert_status(site, "GET /file.txt\r\nRange: bytes=8-100", 206);
        assert_body(site, "89");
        assert_status(site, "GET /file.txt\r\nRange: bytes=10-", 416);
        assert_field(site, "Content-Range", "bytes */10");
        assert_status(site, "GET /file.txt\r\nRange: lines=1-2", 200);
        assert_status(site, "HEAD /file.txt\r\nRange: bytes=2-4", 200);
        assert_field(site, "Content-Length", "10");
        assert_status(site, "GET /file.txt\r\nRange: bytes=2-4\r\nIf-Range: \"x\"", 200);

        char head[256], etag[64];
        strcpy(etag, site_harness_field(site, "ETag"));
        (void) snprintf(head, sizeof(head), "GET /file.txt\r\nRange: bytes=2-4\r\nIf-Range: %s", etag);
        assert_status(site, head, 206);

        assert_status(site, "GET /file.txt\r\nRange: bytes=0-1,4-5,-1", 206);
        char boundary[64], body[512];
        assert_int_equal(sscanf(site_harness_field(site, "Content-Type"), "multipart/byteranges; boundary=%63s",
                                boundary),
                         1);
        static const char *const parts[] = { "0-1", "4-5", "9-9" };
        static const char *const bytes[] = { "01", "45", "9" };
        size_t used = 0;
        for (unsigned i = 0; i < 3; i++)
                used += (size_t) snprintf(body + used, sizeof(body) - used,
                                          "%s--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                                          "Content-Range: bytes %s/10\r\n\r\n%s",
                                          i ? "\r\n" : "", boundary, parts[i], bytes[i]);
        (void) snprintf(body + used, sizeof(body) - used, "\r\n--%s--\r\n", boundary);
        assert_body(site, body);
        (void) snprintf(head, sizeof(head), "%zu", strlen(body));
        assert_field(site, "Content-Length", head);
}

static void large_files(void **state) {
        struct site_harness *site = *state;
        enum { SIZE = 1 << 20 };
        char *data = malloc(SIZE + 1);
        assert_non_null(data);
        for (unsigned i = 0; i < SIZE; i++)
                data[i] = (char) ('a' + i % 26);
        data[SIZE] = '\0';
        site_harness_write(site, "large.bin", data, SIZE);
        site_harness_start(site, SITE "[server.cache]\nmax_file = \"64K\"\n");
        assert_status(site, "GET /large.bin", 200);
        assert_body(site, data);
        assert_status(site, "GET /large.bin\r\nRange: bytes=1000000-1000009,5-6", 206);
        assert_non_null(strstr(site_harness_body(site).data, "\r\n\r\nopqrstuvwx\r\n"));
        assert_non_null(strstr(site_harness_body(site).data, "\r\n\r\nfg\r\n"));
        free(data);
}

static char *make_text(size_t length) {
        char *text = malloc(length + 1);
        assert_non_null(text);
        for (size_t i = 0; i < length; i++)
                text[i] = "the quick brown fox "[i % 20];
        text[length] = '\0';
        return text;
}

static void compresses_once(void **state) {
        struct site_harness *site = *state;
        char *text = make_text(12000);
        site_harness_write_text(site, "page.html", text);
        site_harness_write_text(site, "picture.png", text);
        site_harness_write_text(site, "tiny.html", "tiny");
        site_harness_start(site, SITE);

        assert_status(site, "GET /page.html", 200);
        assert_field(site, "Content-Encoding", "");
        assert_field(site, "Vary", "Accept-Encoding");
        assert_body(site, text);
        char plain[64], coded[64], head[256];
        strcpy(plain, site_harness_field(site, "ETag"));

        assert_status(site, "GET /page.html\r\nAccept-Encoding: gzip, br, zstd", 200);
        assert_field(site, "Content-Encoding", "br");
        assert_true(site_harness_body(site).length < 1000);
        strcpy(coded, site_harness_field(site, "ETag"));
        assert_string_not_equal(plain, coded);
        struct file_identity identity;
        _cleanup_close_ int fd = openat(site->root, "page.html", O_RDONLY | O_CLOEXEC);
        assert_int_equal(file_identify(fd, &identity), 1);
        struct file_version *version;
        assert_int_equal(file_store_get(site->store, &identity, false, &version), 0);
        assert_int_equal(file_version_state(version, http_coding_index(HTTP_CODING_BROTLI)), FILE_BODY_READY);
        assert_int_equal(file_version_state(version, http_coding_index(HTTP_CODING_GZIP)), FILE_BODY_ABSENT);
        file_version_unref(version);

        assert_status(site, "GET /page.html\r\nAccept-Encoding: br;q=0.5, gzip", 200);
        assert_field(site, "Content-Encoding", "gzip");
        assert_status(site, "GET /page.html\r\nAccept-Encoding: br;q=0", 200);
        assert_field(site, "Content-Encoding", "");
        (void) snprintf(head, sizeof(head), "GET /page.html\r\nAccept-Encoding: br\r\nIf-None-Match: %s", coded);
        assert_status(site, head, 304);
        assert_field(site, "Vary", "Accept-Encoding");
        (void) snprintf(head, sizeof(head), "GET /page.html\r\nAccept-Encoding: br\r\nIf-None-Match: %s", plain);
        assert_status(site, head, 200);
        (void) snprintf(head, sizeof(head), "GET /page.html\r\nAccept-Encoding: br\r\nRange: bytes=0-9\r\nIf-Range: %s",
                        coded);
        assert_status(site, head, 206);
        assert_field(site, "Content-Encoding", "br");
        assert_field(site, "Content-Length", "10");

        assert_status(site, "GET /picture.png\r\nAccept-Encoding: br", 200);
        assert_field(site, "Content-Encoding", "");
        assert_field(site, "Vary", "");
        assert_status(site, "GET /tiny.html\r\nAccept-Encoding: br", 200);
        assert_field(site, "Content-Encoding", "");
        free(text);
}

/* The same content has the same tag, however it came there: on each of several machines, after each deployment. */
static void tag_goes_with_the_content(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "a.txt", "content");
        site_harness_write_text(site, "b.txt", "content");
        site_harness_write_text(site, "c.txt", "another");
        site_harness_start(site, SITE);
        assert_status(site, "GET /a.txt", 200);
        char etag[64];
        strcpy(etag, site_harness_field(site, "ETag"));
        assert_status(site, "GET /b.txt", 200);
        assert_field(site, "ETag", etag);
        assert_status(site, "GET /c.txt", 200);
        assert_string_not_equal(site_harness_field(site, "ETag"), etag);
}

/* A 304 needs no compression, so that a restarted server has none to do for clients that have everything. */
static void tag_is_known_before_the_bytes(void **state) {
        struct site_harness *site = *state;
        char *text = make_text(5000);
        site_harness_write_text(site, "page.html", text);
        site_harness_start(site, SITE);
        assert_status(site, "HEAD /page.html\r\nAccept-Encoding: zstd", 200);
        char etag[64], head[256];
        strcpy(etag, site_harness_field(site, "ETag"));

        struct site_harness *other = site_harness_new();
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/root/page.html", site->folder);
        assert_int_equal(linkat(AT_FDCWD, path, other->root, "page.html", 0), 0);
        site_harness_age(other, "page.html");
        site_harness_start(other, SITE);
        (void) snprintf(head, sizeof(head), "GET /page.html\r\nAccept-Encoding: zstd\r\nIf-None-Match: %s", etag);
        assert_status(other, head, 304);
        site_harness_free(other);
        free(text);
}

static void large_files_go_out_as_they_are_meanwhile(void **state) {
        struct site_harness *site = *state;
        char *text = make_text(600000);
        site_harness_write_text(site, "page.html", text);
        site_harness_start(site, SITE);
        unsigned plain = 0;
        do {
                assert_status(site, "GET /page.html\r\nAccept-Encoding: gzip", 200);
                if (!*site_harness_field(site, "Content-Encoding")) {
                        assert_body(site, text);
                        plain++;
                }
        } while (!*site_harness_field(site, "Content-Encoding"));
        assert_true(plain > 0);
        assert_field(site, "Content-Encoding", "gzip");
        free(text);
}

static void precompressed_siblings(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "app.js", "plain script");
        site_harness_write_text(site, "app.js.br", "BROTLI");
        site_harness_write_text(site, "app.js.gz", "GZIP");
        site_harness_write_text(site, "old.js.gz", "GZIP");
        site_harness_write_text(site, "old.js", "newer");
        site_harness_start(site, SITE);
        assert_status(site, "GET /app.js\r\nAccept-Encoding: br", 200);
        assert_body(site, "BROTLI");
        assert_field(site, "Content-Encoding", "br");
        assert_field(site, "Content-Type", "text/javascript; charset=utf-8");
        assert_field(site, "Vary", "Accept-Encoding");
        assert_status(site, "GET /app.js\r\nAccept-Encoding: gzip", 200);
        assert_body(site, "GZIP");
        assert_status(site, "GET /app.js\r\nAccept-Encoding: zstd", 200);
        assert_body(site, "plain script");
        assert_status(site, "GET /app.js", 200);
        assert_body(site, "plain script");
        assert_status(site, "GET /old.js\r\nAccept-Encoding: gzip", 200);
        assert_body(site, "newer");
        assert_status(site, "GET /app.js.gz\r\nAccept-Encoding: gzip", 200);
        assert_body(site, "GZIP");
        assert_field(site, "Content-Encoding", "");
        assert_field(site, "Content-Type", "application/gzip");
}

static void rules_apply_to_responses(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "assets/app.js", "x");
        site_harness_write_text(site, "page.html", "x");
        site_harness_write_text(site, "data.own", "x");
        site_harness_start(site, SITE "cache_control = \"no-cache\"\n"
                                      "[[site.rule]]\npath = \"/**\"\nheaders = { \"X-Frame-Options\" = \"DENY\" }\n"
                                      "[[site.rule]]\npath = \"/assets/**\"\ncache_control = \"max-age=31536000\"\n"
                                      "headers = { \"X-Frame-Options\" = \"\", \"X-Own\" = \"1\" }\n"
                                      "link = [\"</style.css>; rel=preload\"]\n"
                                      "[[site.rule]]\npath = \"/*.own\"\ncontent_type = \"text/x-own\"\n"
                                      "[[site.rule]]\npath = \"/old/*\"\nredirect = \"/new/$1?$query\"\nstatus = 308\n"
                                      "[[site.rule]]\npath = \"/old/**\"\nredirect = \"/never\"\n");
        assert_status(site, "GET /assets/app.js", 200);
        assert_field(site, "Cache-Control", "max-age=31536000");
        assert_field(site, "X-Frame-Options", "");
        assert_field(site, "X-Own", "1");
        assert_field(site, "Link", "</style.css>; rel=preload");
        assert_status(site, "GET /page.html", 200);
        assert_field(site, "Cache-Control", "no-cache");
        assert_field(site, "X-Frame-Options", "DENY");
        assert_status(site, "GET /data.own", 200);
        assert_field(site, "Content-Type", "text/x-own; charset=utf-8");
        assert_status(site, "GET /old/a%20b?q=1", 308);
        assert_field(site, "Location", "/new/a%20b?q=1");
        assert_field(site, "X-Frame-Options", "DENY");
        assert_status(site, "POST /old/a\r\nContent-Length: 0", 308);
        assert_field(site, "Location", "/new/a");
        assert_status(site, "POST /page.html\r\nContent-Length: 0", 405);
        assert_status(site, "OPTIONS /assets/app.js", 204);
        assert_field(site, "Allow", "GET, HEAD, OPTIONS");
        assert_field(site, "X-Own", "1");
        assert_field(site, "Content-Length", "");
}

static void fallback_and_error_pages(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "index.html", "app");
        site_harness_write_text(site, "404.html", "nothing here");
        site_harness_write_text(site, "other/x", "x");
        site_harness_start(site, "[[site]]\nname = \"app\"\nhosts = [\"app.test\"]\nroot = \"@ROOT@\"\n"
                                 "fallback = \"/index.html\"\n"
                                 "[[site]]\nname = \"pages\"\nhosts = [\"pages.test\"]\nroot = \"@ROOT@\"\n"
                                 "errors = { 404 = \"404.html\", 405 = \"/404.html\", 403 = \"/missing.html\" }\n");
        assert_status(site, "GET /some/route\r\nHost: app.test", 200);
        assert_body(site, "app");
        assert_field(site, "Content-Type", "text/html; charset=utf-8");
        assert_status(site, "GET /.hidden\r\nHost: app.test", 404);

        assert_status(site, "GET /some/route\r\nHost: pages.test", 404);
        assert_body(site, "nothing here");
        assert_field(site, "Ccodes-Cause", "file-not-found");
        assert_field(site, "Cache-Control", "no-store");
        assert_field(site, "ETag", "");
        assert_status(site, "HEAD /some/route\r\nHost: pages.test", 404);
        assert_field(site, "Content-Length", "12");
        assert_body(site, "");
        assert_status(site, "POST /\r\nHost: pages.test\r\nContent-Length: 0", 405);
        assert_body(site, "nothing here");
        assert_field(site, "Allow", "GET, HEAD, OPTIONS");
        assert_status(site, "GET /other/\r\nHost: pages.test", 403); /* its page is missing */
        assert_field(site, "Content-Type", "application/problem+json");
        assert_status(site, "GET /404.html\r\nHost: pages.test", 200);

        assert_status(site, "GET /\r\nHost: unknown.test", 404);
        assert_field(site, "Ccodes-Cause", "no-site");
}

static void redirects_to_https(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "index.html", "x");
        site_harness_start(site, SITE "redirect_https = true\nhsts = \"365d\"\nhsts_subdomains = true\n");
        assert_status(site, "GET /a%20b?c=d\r\nHost: example.org:8080", 301);
        assert_field(site, "Location", "https://example.org/a%20b?c=d");
        assert_field(site, "Strict-Transport-Security", "");
        assert_status(site, "POST /x\r\nContent-Length: 0", 308);
}

static void listener_redirects_to_https(void **state) {
        struct site_harness *site = *state;
        site->redirect_https = true;
        site_harness_start(site, "[[site]]\nname = \"test\"\nhosts = [\"a.test\"]\nroot = \"@ROOT@\"\n");
        assert_status(site, "GET /x\r\nHost: any.test", 301);
        assert_field(site, "Location", "https://any.test/x");
        assert_status(site, "OPTIONS *\r\nHost: any.test", 308);
        assert_field(site, "Location", "https://any.test");
}

static void sends_hsts_over_tls(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "index.html", "x");
        site->is_secure = true;
        site_harness_start(site, SITE "redirect_https = true\nhsts = \"365d\"\nhsts_subdomains = true\n");
        assert_status(site, "GET /", 200);
        assert_field(site, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
        assert_status(site, "GET /missing", 404);
        assert_field(site, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
}

static void lists_folders(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "pub/b.txt", "bb");
        site_harness_write_text(site, "pub/<a>&.txt", "a");
        site_harness_write_text(site, "pub/sub/x", "x");
        site_harness_write_text(site, "pub/.hidden", "x");
        assert_int_equal(symlinkat("/etc/passwd", site->root, "pub/out"), 0);
        assert_int_equal(symlinkat("b.txt", site->root, "pub/in"), 0);
        site_harness_start(site, SITE "listing = true\n");
        assert_status(site, "GET /pub/", 200);
        assert_field(site, "Content-Type", "text/html; charset=utf-8");
        assert_field(site, "Vary", "Accept, Accept-Encoding");
        const char *page = site_harness_body(site).data;
        assert_non_null(strstr(page, "<a href=\"./%3Ca%3E&amp;.txt\">&lt;a&gt;&amp;.txt</a>"));
        assert_non_null(strstr(page, "<a href=\"./sub/\">sub/</a>"));
        assert_non_null(strstr(page, ">in</a>"));
        assert_null(strstr(page, "hidden"));
        assert_null(strstr(page, ">out<"));
        assert_true(strstr(page, ">sub/</a>") < strstr(page, ">b.txt</a>"));

        assert_status(site, "GET /pub/?sort=name&order=descending\r\nAccept: application/json", 200);
        assert_field(site, "Content-Type", "application/json");
        const char *json = site_harness_body(site).data;
        assert_true(strstr(json, "\"b.txt\"") < strstr(json, "\"<a>&.txt\""));
        char etag[64], head[256];
        strcpy(etag, site_harness_field(site, "ETag"));
        (void) snprintf(head, sizeof(head),
                        "GET /pub/?sort=name&order=descending\r\nAccept: application/json\r\nIf-None-Match: %s", etag);
        assert_status(site, head, 304);
        assert_status(site, "GET /", 200);
        assert_status(site, "GET /pub", 301);
        assert_status(site, "GET /missing/", 404);
}

static void sees_changes(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "file.txt", "first");
        site_harness_start(site, SITE "[server.cache]\nrevalidate = \"0\"\n");
        assert_status(site, "GET /file.txt", 200);
        assert_body(site, "first");
        assert_status(site, "GET /new.txt", 404);
        site_harness_write_text(site, "file.txt", "again");
        site_harness_write_text(site, "new.txt", "new");
        assert_status(site, "GET /file.txt", 200);
        assert_body(site, "again");
        assert_status(site, "GET /new.txt", 200);
        assert_int_equal(unlinkat(site->root, "file.txt", 0), 0);
        assert_status(site, "GET /file.txt", 404);
}

/* A file that is written twice within one tick of the file system's clock, with the same size. */
static void sees_changes_without_a_trace(void **state) {
        struct site_harness *site = *state;
        site_harness_start(site, SITE "[server.cache]\nrevalidate = \"0\"\n");
        char etag[64] = "";
        for (unsigned i = 0; i < 200; i++) {
                char text[16];
                (void) snprintf(text, sizeof(text), "text %03u", i);
                _cleanup_close_ int fd = openat(site->root, "file.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, text, 8), 8);
                assert_status(site, "GET /file.txt", 200);
                assert_body(site, text);
                assert_string_not_equal(site_harness_field(site, "ETag"), etag);
                strcpy(etag, site_harness_field(site, "ETag"));
        }
}

static void remembers_within_bounds(void **state) {
        struct site_harness *site = *state;
        site_harness_write_text(site, "keep.txt", "keep");
        site_harness_start(site, SITE "[server.cache]\nmax_entries = 16\nrevalidate = \"1h\"\n");
        assert_status(site, "GET /keep.txt", 200);
        for (unsigned i = 0; i < 100; i++) {
                char head[64];
                (void) snprintf(head, sizeof(head), "GET /missing-%u", i);
                assert_status(site, head, 404);
        }
        /* What is remembered shows when the file is gone: it is still served. */
        assert_int_equal(unlinkat(site->root, "keep.txt", 0), 0);
        assert_status(site, "GET /keep.txt", 200);
        assert_body(site, "keep");
}

/* More large files than there are descriptors: those that were not asked for lately are closed. */
static void does_without_descriptors(void **state) {
        struct site_harness *site = *state;
        enum { FILES = 60, SIZE = 5000 };
        char *text = make_text(SIZE), head[64];
        for (unsigned i = 0; i < FILES; i++) {
                (void) snprintf(head, sizeof(head), "file-%02u.bin", i);
                _cleanup_close_ int fd = openat(site->root, head, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                assert_int_equal(write(fd, text, SIZE), SIZE);
        }
        site_harness_start(site, SITE "[server.cache]\nmax_file = \"1K\"\nrevalidate = \"1h\"\n");
        assert_status(site, "GET /file-00.bin", 200);

        struct rlimit before, few;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = before;
        int highest = fcntl(site->root, F_DUPFD_CLOEXEC, 0);
        close_fd(highest);
        few.rlim_cur = (rlim_t) highest + 12;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        for (unsigned i = 0; i < 3 * FILES; i++) {
                (void) snprintf(head, sizeof(head), "GET /file-%02u.bin", i % FILES);
                (void) site_harness_ask(site, head);
                /* The pool may find none left, and says so; but the server recovers at once. */
                if (site_harness_status(site) == 503)
                        assert_field(site, "Ccodes-Cause", "out-of-descriptors");
                else
                        assert_body(site, text);
        }
        assert_status(site, head, 200);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        free(text);
}

/* Clients that go away while their file is looked up or compressed. */
static void clients_that_leave(void **state) {
        struct site_harness *site = *state;
        char *text = make_text(200000);
        site_harness_write_text(site, "page.html", text);
        site_harness_write_text(site, "pub/x", "x");
        site_harness_start(site, SITE "listing = true\n[server.cache]\nrevalidate = \"0\"\n");
        static const char *const heads[] = {
                "GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br\r\n\r\n",
                "GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
                "GET /pub/ HTTP/1.1\r\nHost: a\r\n\r\n",
        };
        for (unsigned i = 0; i < 30; i++) {
                harness_connect(site->harness, false);
                harness_send_text(site->harness, heads[i % ELEMENTS_OF(heads)]);
                if (i % 2)
                        harness_settle(site->harness);
                harness_hang_up(site->harness);
                harness_run_until(site->harness, harness_has_no_connection);
        }
        assert_status(site, "GET /page.html\r\nAccept-Encoding: br", 200);
        assert_field(site, "Content-Encoding", "br");
        free(text);
        /* And one that is under way when everything ends. */
        harness_connect(site->harness, false);
        harness_send_text(site->harness, "GET /pub/ HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void refused_configurations(void **state) {
        struct site_harness *site = *state;
        static const struct {
                const char *configuration, *words[3];
        } cases[] = {
                { "[[site]]\nname = \"gone\"\nroot = \"/nonexistent/folder\"\n",
                  { "test:3:1: site 'gone'", "/nonexistent/folder", "create the folder" } },
                { "[[site]]\nname = \"file\"\nroot = \"/etc/passwd\"\n",
                  { "'file'", "/etc/passwd", "must be a folder" } },
                { "[[site]]\nname = \"rule\"\nroot = \"/tmp\"\n[[site.rule]]\npath = \"/a\"\nredirect = \"/$1\"\n",
                  { "test:4:1: site 'rule': rule for '/a':", "$1", "0 wildcards" } },
        };
        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct error error = ERROR_INIT;
                struct config *config;
                struct file_server_snapshot *snapshot;
                int r = config_load_text(cases[i].configuration, "test", &error, &config);
                if (r >= 0) {
                        const struct site_means means = { .roots = site->roots, .folders = site->folders };
                        r = file_server_snapshot_new(config, site->store, &means, &error, &snapshot);
                        config_unref(config);
                }
                assert_true(r < 0);
                for (unsigned j = 0; j < 3; j++)
                        if (!strstr(error.text, cases[i].words[j]))
                                fail_msg("'%s' does not say '%s'", error.text, cases[i].words[j]);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(serves_files),
                TEST(redirects_to_the_folder),
                TEST(refuses_what_it_must),
                TEST(follows_no_symlink_when_told),
                TEST(conditional_requests),
                TEST(ranges),
                TEST(large_files),
                TEST(compresses_once),
                TEST(tag_goes_with_the_content),
                TEST(tag_is_known_before_the_bytes),
                TEST(large_files_go_out_as_they_are_meanwhile),
                TEST(precompressed_siblings),
                TEST(rules_apply_to_responses),
                TEST(fallback_and_error_pages),
                TEST(redirects_to_https),
                TEST(listener_redirects_to_https),
                TEST(sends_hsts_over_tls),
                TEST(does_without_descriptors),
                TEST(lists_folders),
                TEST(sees_changes),
                TEST(sees_changes_without_a_trace),
                TEST(remembers_within_bounds),
                TEST(clients_that_leave),
                TEST(refused_configurations),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
