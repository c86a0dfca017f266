/* SPDX-License-Identifier: Apache-2.0 */
/* The access log's two halves: a worker copies a fixed part and the strings into its ring; the logging thread formats
 * them (access_format.c) and writes. The file is only touched by the logging thread once the log exists. */
#include "http/access_log.h"

#include <libgen.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "http/access_format.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/generation.h"
#include "http/signed_address.h"
#include "http/worker.h"
#include "shared/message_id.h"
#include "tls/tls_transport.h"

/* What is gathered before it is written to the file, at most. */
#define GATHER_MAX 65536

/* Characters of the signature of a signed address that are logged. */
#define SIGNATURE_SHOWN 6

struct access_log {
        struct log_sink sink;
        _Atomic unsigned references;
        struct logger *logger;
        int target, format; /* enum config_access_target, config_access_format */
        uint32_t maximum_rate;
        char *path;
        int fd;
        struct text gathered;
        bool is_torn; /* the file ends within a line, for which there was no space */
        size_t lost;  /* entries since writing failed first */
};

static int open_file(const char *path) {
        return NEGATIVE_ERRNO(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640));
}

static size_t count_lines(struct slice text) {
        size_t count = 0;
        for (size_t i = 0; i < text.length; i++)
                count += text.data[i] == '\n';
        return count;
}

/* Writes what it can. A line that was cut short is ended before the next one. */
static int write_out(struct access_log *log, size_t *ret_written) {
        size_t written = 0;
        while (written < log->gathered.length) {
                struct iovec parts[] = {
                        { (char *) "\n", log->is_torn },
                        { log->gathered.data + written, log->gathered.length - written },
                };
                ssize_t n = NEGATIVE_ERRNO(writev(log->fd, parts, ELEMENTS_OF(parts)));
                if (n == -EINTR)
                        continue;
                if (n < 0) {
                        *ret_written = written;
                        return (int) n;
                }
                written += (size_t) n - log->is_torn;
                log->is_torn = written > 0 && log->gathered.data[written - 1] != '\n';
        }
        *ret_written = written;
        return 0;
}

static void say(struct access_log *log, enum log_level level, const char *message, const char *detail) {
        const struct log_field fields[] = {
                { "MESSAGE_ID", SLICE_LITERAL(MESSAGE_ID_LOG_DROPPED) },
                { "CCODES_DETAIL", slice_of(detail) },
        };
        logger_send(log->logger, level, log_realtime(), slice_of(message), fields, ELEMENTS_OF(fields));
}

static void lose(struct access_log *log, size_t entries, int error) {
        if (log->lost == 0)
                say(log, LOG_LEVEL_ERROR, "the access log cannot be written; its entries are lost until it can",
                    strerrordesc_np(-error));
        log->lost += entries;
}

/* A full disk: the requests are served all the same. It is said when it begins and when it is over. */
static void flush(struct log_sink *sink) {
        struct access_log *log = container_of(sink, struct access_log, sink);
        if (log->gathered.length == 0)
                return;
        size_t written;
        int r = write_out(log, &written);
        if (r < 0)
                lose(log, count_lines((struct slice) { log->gathered.data + written, log->gathered.length - written }),
                     r);
        else if (log->lost > 0) {
                char count[64];
                (void) snprintf(count, sizeof(count), "%zu entries were lost", log->lost);
                say(log, LOG_LEVEL_NOTICE, "the access log is written again", count);
                log->lost = 0;
        }
        text_done(&log->gathered);
        log->gathered = TEXT_INIT;
}

static void write_record(struct log_sink *sink, const void *record, size_t length) {
        struct access_log *log = container_of(sink, struct access_log, sink);
        struct access_entry entry;
        access_entry_read(record, length, &entry);
        if (log->target == CONFIG_ACCESS_JOURNAL) {
                access_format_journal(&entry, log->logger);
                return;
        }
        size_t before = log->gathered.length;
        if (log->format == CONFIG_ACCESS_JSON)
                access_format_json(&entry, &log->gathered);
        else
                access_format_combined(&entry, &log->gathered);
        if (log->gathered.failed) {
                lose(log, 1, -ENOMEM);
                log->gathered.length = before; /* the entries in front are whole */
                log->gathered.failed = false;
        }
        if (log->gathered.length >= GATHER_MAX)
                flush(sink);
}

static void reopen(struct log_sink *sink) {
        struct access_log *log = container_of(sink, struct access_log, sink);
        if (log->target != CONFIG_ACCESS_FILE)
                return;
        flush(sink);
        int fd = open_file(log->path);
        if (fd < 0) {
                const struct log_field field = { "CCODES_DETAIL", slice_of(strerror(-fd)) };
                logger_send(log->logger, LOG_LEVEL_ERROR, log_realtime(),
                            SLICE_LITERAL("the access log cannot be opened again; the old file is kept in use"), &field,
                            1);
                return;
        }
        close_fd(log->fd);
        log->fd = fd;
}

static void log_free(struct access_log *log) {
        close_fd(log->fd);
        text_done(&log->gathered);
        free(log->path);
        free(log);
}

static void freed(struct log_sink *sink) {
        log_free(container_of(sink, struct access_log, sink));
}

static int explain_open(const struct config_access_log *config, int code, struct error *error) {
        return error_set_errno(error, code, "opening the access log %s", config->path);
}

int access_log_check(const struct config_access_log *config, struct error *error) {
        if (config->target != CONFIG_ACCESS_FILE)
                return 0;
        _cleanup_close_ int fd = NEGATIVE_ERRNO(open(config->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY));
        if (fd >= 0)
                return 0;
        if (fd != -ENOENT)
                return explain_open(config, fd, error);
        _cleanup_free_ char *copy = strdup(config->path);
        int r = copy ? NEGATIVE_ERRNO(access(dirname(copy), W_OK | X_OK)) : -ENOMEM;
        return r < 0 ? explain_open(config, r, error) : 0;
}

int access_log_new(const struct config_access_log *config, struct logger *logger, struct error *error,
                   struct access_log **ret_log) {
        if (config->target == CONFIG_ACCESS_OFF) {
                *ret_log = NULL;
                return 0;
        }
        struct access_log *log = calloc(1, sizeof(*log));
        if (!log)
                return error_set_errno(error, -ENOMEM, "making the access log");
        log->sink = (struct log_sink) { .write = write_record, .flush = flush, .reopen = reopen };
        atomic_init(&log->references, 1);
        log->logger = logger;
        log->target = config->target;
        log->format = config->format;
        log->maximum_rate = (uint32_t) config->maximum_rate;
        log->fd = -1;
        if (config->target == CONFIG_ACCESS_FILE) {
                log->path = strdup(config->path);
                log->fd = log->path ? open_file(log->path) : -ENOMEM;
                if (log->fd < 0) {
                        int r = explain_open(config, log->fd, error);
                        log_free(log);
                        return r;
                }
        }
        *ret_log = log;
        return 0;
}

struct access_log *access_log_ref(struct access_log *log) {
        atomic_fetch_add_explicit(&log->references, 1, memory_order_relaxed);
        return log;
}

void access_log_unref(struct access_log *log, struct log_producer *producer) {
        if (log && atomic_fetch_sub_explicit(&log->references, 1, memory_order_acq_rel) == 1)
                log_sink_retire(producer, &log->sink, freed);
}

/*
 * Whether a success is written, and for how many it stands. The journal takes a limited number of entries a second: a
 * worker that had more than its share of them in the last second writes every n-th in this one.
 */
static uint32_t sample(struct access_sampler *sampler, uint32_t share, time_t now) {
        if (sampler->second != now) {
                uint32_t seen = sampler->second + 1 == now ? sampler->seen : 0;
                *sampler = (struct access_sampler) { .second = now, .factor = seen / share + 1 };
        }
        uint32_t index = sampler->seen++;
        if (index % sampler->factor != 0)
                return 0;
        /* A burst within a second that began quietly. */
        if (sampler->written >= 2 * share)
                return 0;
        sampler->written++;
        return sampler->factor;
}

/* A signature opens a file to whoever reads it: what is left of it is enough to tell two from each other. It stands at the
 * end; what only looks like one may stand in a name before it, so that nothing behind the first is shown. */
static struct slice mask_signature(struct http_exchange *exchange, struct slice text) {
        struct slice signature = signed_address_find_signature(text);
        if (!signature.data || (size_t) (text.data + text.length - signature.data) <= SIGNATURE_SHOWN)
                return text;
        size_t before = (size_t) (signature.data - text.data) + SIGNATURE_SHOWN;
        char *masked = arena_format(&exchange->arena, "%.*s...", (int) before, text.data);
        return masked ? slice_of(masked) : (struct slice) { text.data, before };
}

void access_log_exchange(struct access_log *log, struct http_exchange *exchange, uint64_t duration) {
        struct http_worker *worker = exchange->worker;
        const struct http_request *request = &exchange->request;
        const struct http_response *response = &exchange->response;
        const struct transport *transport = exchange->connection->transport;
        uint32_t stands_for = 1;

        bool is_success = exchange->is_responded && response->status < 400 && response->cause == CAUSE_NONE;
        if (log->target == CONFIG_ACCESS_JOURNAL && is_success) {
                uint32_t share = log->maximum_rate / worker->services->worker_count;
                stands_for = sample(&worker->access_sampler, share ? share : 1, loop_realtime(worker->loop));
                if (stands_for == 0)
                        return;
        }
        struct access_head head = {
                .when = loop_realtime_usec(worker->loop),
                .duration = duration,
                .sent = exchange->body_sent,
                .received = exchange->body_received,
                .id = exchange->id,
                .stands_for = stands_for,
                .status = (uint16_t) (exchange->is_responded ? response->status : 0),
                .cause = (uint16_t) response->cause,
                .version = (uint8_t) request->version,
                .is_resumed = transport->is_secure && tls_transport_is_resumed(transport),
        };
        http_peer_text(&exchange->connection->peer, head.peer);

        struct slice parts[1 + ACCESS_STRINGS] = {
                [1 + ACCESS_METHOD] = request->method_name,
                [1 + ACCESS_HOST] = request->host,
                [1 + ACCESS_TARGET] = mask_signature(exchange, request->target),
                [1 + ACCESS_REFERRER] = mask_signature(exchange, http_fields_get(&request->fields, HTTP_FIELD_REFERER)),
                [1 + ACCESS_USER_AGENT] = http_fields_get(&request->fields, HTTP_FIELD_USER_AGENT),
                [1 + ACCESS_TRACEPARENT] = http_fields_get(&request->fields, HTTP_FIELD_TRACEPARENT),
                [1 + ACCESS_CODING] = response->coding,
                [1 + ACCESS_DETAIL] = slice_of(exchange->detail),
        };
        if (transport->is_secure) {
                parts[1 + ACCESS_TLS] = slice_of(tls_transport_version(transport));
                parts[1 + ACCESS_SUBJECT] = tls_transport_client_subject(transport);
        }
        for (unsigned i = 0; i < ACCESS_STRINGS; i++) {
                parts[1 + i].length = MIN_OF(parts[1 + i].length, (size_t) ACCESS_STRING_MAX);
                head.lengths[i] = (uint16_t) parts[1 + i].length;
        }
        parts[0] = (struct slice) { (const char *) &head, sizeof(head) };
        (void) log_record(worker->log, &log->sink, head.when, parts, ELEMENTS_OF(parts));
}
