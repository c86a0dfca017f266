/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the folder, the configuration and the server of the file server's tests. */
#include "file_harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "shared/syscall.h"

struct site_harness *site_harness_new(void) {
        struct site_harness *site = calloc(1, sizeof(*site));
        assert_non_null(site);
        strcpy(site->folder, "/tmp/ccodes-site-XXXXXX");
        assert_non_null(mkdtemp(site->folder));
        char root[80];
        (void) snprintf(root, sizeof(root), "%s/root", site->folder);
        assert_int_equal(mkdir(root, 0755), 0);
        site->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(site->root >= 0);
        assert_int_equal(file_store_new(0, &site->store), 0);
        assert_int_equal(site_roots_new(&site->roots), 0);
        assert_int_equal(upload_folders_new(&site->folders), 0);
        return site;
}

struct site_harness *site_harness_new_guest(const struct site_harness *host) {
        struct site_harness *site = calloc(1, sizeof(*site));
        assert_non_null(site);
        memcpy(site->folder, host->folder, sizeof(site->folder));
        site->root = fcntl(host->root, F_DUPFD_CLOEXEC, 0);
        site->store = host->store;
        site->roots = host->roots;
        site->folders = host->folders;
        site->is_guest = true;
        return site;
}

void site_harness_free(struct site_harness *site) {
        if (site->harness)
                harness_free(site->harness);
        config_unref(site->config);
        close_fd(site->root);
        text_done(&site->last);
        if (site->is_guest) {
                free(site);
                return;
        }
        file_store_free(site->store);
        upload_folders_free(site->folders);
        site_roots_free(site->roots);
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -r -- '%s'", site->folder);
        assert_int_equal(system(command), 0);
        free(site);
}

void site_harness_age(struct site_harness *site, const char *path) {
        _cleanup_close_ int fd = openat(site->root, path, O_RDONLY | O_CLOEXEC);
        struct file_identity identity;
        struct timespec now;
        assert_int_equal(file_identify(fd, &identity), 1);
        do {
                (void) clock_gettime(CLOCK_REALTIME, &now);
        } while (file_identity_is_fresh(&identity, (int64_t) now.tv_sec * 1000000000 + now.tv_nsec) &&
                 nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL) == 0);
}

void site_harness_write(struct site_harness *site, const char *path, const char *bytes, size_t length) {
        char folder[256];
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                (void) snprintf(folder, sizeof(folder), "%.*s", (int) (slash - path), path);
                (void) mkdirat(site->root, folder, 0755);
        }
        _cleanup_close_ int fd = openat(site->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, length), length);
        site_harness_age(site, path);
}

void site_harness_write_text(struct site_harness *site, const char *path, const char *text) {
        site_harness_write(site, path, text, strlen(text));
}

static void on_secure_request(struct http_exchange *exchange) {
        exchange->request.is_secure = true;
        file_server_application.on_request(exchange);
}

void site_harness_start(struct site_harness *site, const char *configuration) {
        struct text text = TEXT_INIT;
        for (const char *at; (at = strstr(configuration, "@ROOT@")); configuration = at + 6) {
                text_append(&text, (struct slice) { configuration, (size_t) (at - configuration) });
                text_printf(&text, "%s/root", site->folder);
        }
        text_append_string(&text, configuration);

        struct error error = ERROR_INIT;
        if (config_load_text(text.data, "test", &error, &site->config) < 0)
                fail_msg("%s", error.text);
        text_done(&text);
        const struct site_means means = { .roots = site->roots, .folders = site->folders };
        if (file_server_snapshot_new(site->config, site->store, &means, &error, &site->snapshot) < 0)
                fail_msg("%s", error.text);
        struct thread_pool *pool;
        assert_int_equal(thread_pool_new("pool", 2, 64, &pool), 0);
        site->application = file_server_application;
        if (site->is_secure)
                site->application.on_request = on_secure_request;
        site->harness = harness_new_with(&(struct harness_options) { .application = &site->application,
                                                                     .snapshot = site->snapshot,
                                                                     .config = site->config,
                                                                     .redirect_https = site->redirect_https,
                                                                     .pool = pool });
}

const char *site_harness_ask(struct site_harness *site, const char *head) {
        size_t line = strcspn(head, "\r");
        struct text request = TEXT_INIT;
        text_printf(&request, "%.*s HTTP/1.1%s%s\r\nConnection: close\r\n\r\n", (int) line, head,
                    strstr(head, "\r\nHost:") ? "" : "\r\nHost: example.org", head + line);
        harness_connect(site->harness, false);
        harness_send_text(site->harness, request.data);
        text_done(&request);
        harness_run_until(site->harness, harness_is_closed);

        text_done(&site->last);
        const struct text *received = harness_received(site->harness);
        text_append(&site->last, (struct slice) { received->data, received->length });
        return site->last.data ? site->last.data : "";
}

struct slice site_harness_body(const struct site_harness *site) {
        const char *end = memmem(site->last.data, site->last.length, "\r\n\r\n", 4);
        assert_non_null(end);
        return slice_from((struct slice) { site->last.data, site->last.length }, (size_t) (end - site->last.data) + 4);
}

const char *site_harness_field(struct site_harness *site, const char *name) {
        char *value = site->value;
        size_t length = strlen(name);
        value[0] = '\0';
        for (const char *line = strstr(site->last.data, "\r\n"); line && strncmp(line, "\r\n\r\n", 4) != 0;
             line = strstr(line + 2, "\r\n")) {
                if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
                        const char *start = line + 2 + length + 2;
                        (void) snprintf(value, sizeof(site->value), "%.*s", (int) strcspn(start, "\r"), start);
                        break;
                }
        }
        return value;
}

int site_harness_status(const struct site_harness *site) {
        return site->last.length > 12 ? atoi(site->last.data + 9) : 0;
}
