/* SPDX-License-Identifier: Apache-2.0 */
/* Holds requests against signed addresses. */
#include "server/signed_download.h"

#include <errno.h>

#include "http/signed_address.h"
#include "http/worker.h"

static bool is_wanted(const struct file_request *request) {
        return request->purpose == FILE_PURPOSE_READ && ((request->entry && request->entry->result.outcome.is_signed) ||
                                                         (request->mount && request->mount->config->is_signed));
}

static enum cause cause_of(int error) {
        switch (error) {
        case -ENOENT:
                return CAUSE_SIGNATURE_MISSING;
        case -EINVAL:
                return CAUSE_SIGNATURE_MALFORMED;
        case -EKEYEXPIRED:
                return CAUSE_SIGNATURE_EXPIRED;
        case -ENOKEY:
        case -EKEYREJECTED:
                return CAUSE_SIGNATURE_INVALID;
        default:
                return CAUSE_INTERNAL_ERROR;
        }
}

static int check(struct file_request *request, struct signed_address *ret_address) {
        const struct http_exchange *exchange = request->exchange;
        int r = signed_address_parse(exchange->request.query, ret_address);
        if (r >= 0 && !request->site->signing_keys)
                return -ENOKEY;
        return r < 0 ? r
                     : signed_address_check(ret_address, request->site->signing_keys, exchange->request.host,
                                            exchange->request.path, loop_realtime(exchange->worker->loop));
}

/* The address is a key: it is not for caches that others share, nor for the sites that a page leads to. */
static int agree(struct file_request *request, const struct signed_address *address) {
        struct http_exchange *exchange = request->exchange;
        if (address->rate_bytes > 0)
                request->signed_rate = address->rate_bytes;
        request->is_admitted = true;
        int r = http_response_add(exchange, SLICE_LITERAL("cache-control"), SLICE_LITERAL("private"));
        if (r >= 0)
                r = http_response_add(exchange, SLICE_LITERAL("referrer-policy"), SLICE_LITERAL("no-referrer"));
        if (r < 0 || !address->name.data)
                return r;
        _cleanup_text_ struct text text = TEXT_INIT;
        signed_address_write_disposition(address, &text);
        char *value = text.failed ? NULL : arena_copy(&exchange->arena, (struct slice) { text.data, text.length });
        return value ? http_response_add(exchange, SLICE_LITERAL("content-disposition"), slice_of(value)) : -ENOMEM;
}

bool signed_download_admit(struct file_request *request) {
        struct signed_address address;
        if (request->is_admitted || !is_wanted(request))
                return true;
        int r = check(request, &address);
        if (r < 0) {
                file_request_fail(request, cause_of(r),
                                  r == -ENOKEY ? "the key that the address names is not there" : NULL);
                return false;
        }
        if (agree(request, &address) >= 0)
                return true;
        file_request_fail(request, CAUSE_OUT_OF_MEMORY, NULL);
        return false;
}
