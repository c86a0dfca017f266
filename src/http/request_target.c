/* SPDX-License-Identifier: Apache-2.0 */
/* From what a client sent to the one host and the one path that everything after it uses. */
#include "http/request_target.h"

#include "http/connection.h"
#include "tls/tls_transport.h"

int http_request_take_authority(struct http_exchange *exchange, struct slice authority, struct http_fault *ret_fault) {
        struct http_request *request = &exchange->request;
        char *scratch = arena_alloc(&exchange->arena, authority.length + 1);
        if (!scratch)
                return -ENOMEM;
        if (http_authority_parse(authority, scratch, &request->host, &request->port) < 0)
                return http_fault_set(ret_fault, CAUSE_HOST_INVALID, "Host is malformed (RFC 3986 section 3.2)");
        return 0;
}

int http_request_take_path(struct http_exchange *exchange, const struct http_target *target,
                           struct http_fault *ret_fault) {
        struct http_request *request = &exchange->request;
        request->query = target->query;
        if (target->form == HTTP_TARGET_AUTHORITY || target->form == HTTP_TARGET_ASTERISK) {
                request->path = target->form == HTTP_TARGET_ASTERISK ? SLICE_LITERAL("*") : SLICE_LITERAL("/");
                return 0;
        }
        char *scratch = arena_alloc(&exchange->arena, target->raw_path.length);
        if (!scratch)
                return -ENOMEM;
        if (http_path_canonicalize(target->raw_path, scratch, &request->path) < 0)
                return http_fault_set(ret_fault, CAUSE_PATH_MALFORMED,
                                      "the path has no safe canonical form (RFC 3986 section 6.2)");
        return 0;
}

int http_request_check_direction(const struct http_exchange *exchange, struct http_fault *ret_fault) {
        const struct transport *transport = exchange->connection->transport;
        if (!transport->is_secure)
                return 0;
        struct slice name = tls_transport_server_name(transport), host = exchange->request.host;
        if (!name.data || !host.data || slice_equal(name, host) ||
            tls_context_covers(tls_transport_context(transport), name, host))
                return 0;
        return http_fault_set(ret_fault, CAUSE_MISDIRECTED, "Host is not covered by the certificate that SNI chose");
}

int http_request_limit_body(struct http_exchange *exchange, struct http_fault *ret_fault) {
        const struct http_application *application = exchange->generation->shared->application;
        if (!exchange->request.has_body)
                return 0;
        exchange->max_body = application->max_body ? application->max_body(exchange)
                                                   : http_exchange_config(exchange)->http.limits.max_body;
        if (exchange->request.content_length >= 0 && (uint64_t) exchange->request.content_length > exchange->max_body)
                return http_fault_set(ret_fault, CAUSE_BODY_TOO_LARGE, "Content-Length is above max_body");
        return 0;
}
