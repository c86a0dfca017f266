/* SPDX-License-Identifier: Apache-2.0 */
/* Names, help and labels of the engine's metrics. */
#include "http/engine_metrics.h"

struct series {
        metric_id *id;
        enum metric_type type;
        const char *family, *unit, *help, *labels;
};

static int register_all(struct metrics *metrics, const struct series *series, size_t count) {
        for (size_t i = 0; i < count; i++) {
                const struct series *s = &series[i];
                int r = metrics_add(metrics, s->type, s->family, s->unit, s->help, s->labels, s->id);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int register_causes(struct metrics *metrics, struct http_engine_metrics *ids) {
        static const char *const labels[CAUSE_COUNT] = {
#define CAUSE(identifier, code, status, sentence, advice) [CAUSE_##identifier] = "cause=\"" code "\"",
#include "shared/cause_table.h"
#undef CAUSE
        };
        for (int cause = CAUSE_NONE + 1; cause < CAUSE_COUNT; cause++) {
                int r = metrics_add(metrics, METRIC_COUNTER, "ccodes_http_failures", NULL,
                                    "Answers that were no success, by cause.", labels[cause], &ids->causes[cause]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int http_engine_metrics_register(struct metrics *metrics, struct http_engine_metrics *ret_ids) {
        struct http_engine_metrics ids = { 0 };
        static const char requests_help[] = "Requests that were answered, by class of status.";
        const struct series series[] = {
                { &ids.requests[0], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"none\"" },
                { &ids.requests[1], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"1xx\"" },
                { &ids.requests[2], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"2xx\"" },
                { &ids.requests[3], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"3xx\"" },
                { &ids.requests[4], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"4xx\"" },
                { &ids.requests[5], METRIC_COUNTER, "ccodes_http_requests", NULL, requests_help, "class=\"5xx\"" },
                { &ids.duration, METRIC_HISTOGRAM, "ccodes_http_request_duration_seconds", "seconds",
                  "From the request's head to the end of its response.", NULL },
                { &ids.received_bytes, METRIC_COUNTER, "ccodes_http_received_bytes", "bytes",
                  "Bytes of request bodies.", NULL },
                { &ids.sent_bytes, METRIC_COUNTER, "ccodes_http_sent_bytes", "bytes", "Bytes of response bodies.",
                  NULL },
                { &ids.disk_reads, METRIC_COUNTER, "ccodes_http_disk_reads", NULL,
                  "Pieces of files that were not in memory and had to be waited for.", NULL },
                { &ids.connections_accepted, METRIC_COUNTER, "ccodes_connections_accepted", NULL,
                  "Connections that were accepted.", NULL },
                { &ids.connections_refused, METRIC_COUNTER, "ccodes_connections_refused", NULL,
                  "Connections that were closed at once for a limit.", NULL },
                { &ids.connections_open, METRIC_GAUGE, "ccodes_connections_open", NULL, "Connections that are open.",
                  NULL },
                { &ids.handshakes_full, METRIC_COUNTER, "ccodes_tls_handshakes", NULL, "TLS handshakes, by result.",
                  "result=\"full\"" },
                { &ids.handshakes_resumed, METRIC_COUNTER, "ccodes_tls_handshakes", NULL, "TLS handshakes, by result.",
                  "result=\"resumed\"" },
                { &ids.handshakes_failed, METRIC_COUNTER, "ccodes_tls_handshakes", NULL, "TLS handshakes, by result.",
                  "result=\"failed\"" },
                { &ids.refusals_unlogged, METRIC_COUNTER, "ccodes_refusals_unlogged", NULL,
                  "Refused requests that were not logged, since their client had a line in the same second.", NULL },
        };
        int r = register_all(metrics, series, sizeof(series) / sizeof(series[0]));
        if (r < 0)
                return r;
        r = register_causes(metrics, &ids);
        if (r < 0)
                return r;
        *ret_ids = ids;
        return 0;
}
