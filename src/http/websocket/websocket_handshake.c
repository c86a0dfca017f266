/* SPDX-License-Identifier: Apache-2.0 */
/* The opening handshake of a WebSocket: what a request must have, and what is answered to it. No state, no I/O. */
#include "http/websocket/websocket_handshake.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "shared/text.h"

#define KEY_LENGTH 24 /* 16 bytes in base64 */
#define VERSION "13"

static struct slice field(const struct http_fields *fields, const char *name) {
        return http_fields_find(fields, slice_of(name));
}

/* A browser names the page that asks; a page of another site could act in the name of whoever looks at it (RFC 6455 section 10.2). */
static bool is_same_origin(const struct http_request *request) {
        struct slice origin = http_fields_get(&request->fields, HTTP_FIELD_ORIGIN);
        if (!origin.data)
                return true;
        struct slice scheme = request->is_secure ? SLICE_LITERAL("https://") : SLICE_LITERAL("http://");
        if (!slice_starts_with(origin, scheme))
                return false;
        struct slice authority = slice_from(origin, scheme.length);
        if (authority.length < request->host.length ||
            !slice_equal_nocase((struct slice) { authority.data, request->host.length }, request->host))
                return false;
        unsigned usual = request->is_secure ? 443 : 80, port = usual;
        struct slice rest = slice_from(authority, request->host.length);
        if (rest.length > 0) {
                if (rest.data[0] != ':' || rest.length < 2 || rest.length > 6)
                        return false;
                port = 0;
                for (size_t i = 1; i < rest.length; i++) {
                        if (rest.data[i] < '0' || rest.data[i] > '9')
                                return false;
                        port = port * 10 + (unsigned) (rest.data[i] - '0');
                }
        }
        return port == (request->port ? request->port : usual);
}

/* What HTTP/1.1's handshake has and HTTP/2's has not. */
static const char *check_http1(const struct http_request *request) {
        struct slice key = field(&request->fields, "Sec-WebSocket-Key");
        if (request->method != HTTP_METHOD_GET)
                return "the method is not GET (RFC 6455 section 4.1)";
        if (request->has_body)
                return "the request has a body";
        if (!key.data || key.length != KEY_LENGTH || !slice_ends_with(key, SLICE_LITERAL("==")))
                return "Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 section 4.1)";
        unsigned char bytes[KEY_LENGTH];
        if (EVP_DecodeBlock(bytes, (const unsigned char *) key.data, KEY_LENGTH) < 0)
                return "Sec-WebSocket-Key is not base64 (RFC 6455 section 4.1)";
        return NULL;
}

/* A client may name several protocols (RFC 9110 section 7.8). */
static bool is_asked_for(struct slice upgrade) {
        struct slice element;
        while (http_list_next(&upgrade, &element))
                if (slice_equal_nocase(element, SLICE_LITERAL("websocket")))
                        return true;
        return false;
}

enum cause websocket_check_request(const struct http_request *request, bool any_origin, const char **ret_detail) {
        *ret_detail = "the request does not ask for a WebSocket";
        if (!is_asked_for(request->upgrade))
                return CAUSE_UPGRADE_REQUIRED;
        *ret_detail = "Sec-WebSocket-Version is not 13 (RFC 6455 section 4.4)";
        if (!slice_equal_text(field(&request->fields, "Sec-WebSocket-Version"), VERSION))
                return CAUSE_UPGRADE_REQUIRED;
        if (request->version < 20 && (*ret_detail = check_http1(request)))
                return CAUSE_REQUEST_MALFORMED;
        *ret_detail = "Origin is another site's (RFC 6455 section 10.2)";
        if (!any_origin && !is_same_origin(request))
                return CAUSE_ORIGIN_FORBIDDEN;
        return CAUSE_NONE;
}

int websocket_accept_key(struct slice key, char ret_accept[WEBSOCKET_ACCEPT_LENGTH]) {
        static const char suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        char text[KEY_LENGTH + sizeof(suffix)], encoded[WEBSOCKET_ACCEPT_LENGTH + 1];
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned length;
        if (key.length != KEY_LENGTH)
                return -EINVAL;
        memcpy(text, key.data, KEY_LENGTH);
        memcpy(text + KEY_LENGTH, suffix, sizeof(suffix) - 1);
        if (EVP_Digest(text, KEY_LENGTH + sizeof(suffix) - 1, digest, &length, EVP_sha1(), NULL) != 1)
                return -ENOMEM;
        (void) EVP_EncodeBlock((unsigned char *) encoded, digest, (int) length);
        memcpy(ret_accept, encoded, WEBSOCKET_ACCEPT_LENGTH);
        return 0;
}

/* Takes the part before the next ';' off a list of parameters. */
static struct slice next_part(struct slice *rest) {
        const char *end = memchr(rest->data, ';', rest->length);
        size_t length = end ? (size_t) (end - rest->data) : rest->length;
        struct slice part = slice_trim((struct slice) { rest->data, length });
        *rest = slice_from(*rest, end ? length + 1 : length);
        return part;
}

/* 8 to 15, perhaps in quotes; 0 for what is none. */
static unsigned window_bits(struct slice value) {
        if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
                value = (struct slice) { value.data + 1, value.length - 2 };
        if (value.length == 1 && (value.data[0] == '8' || value.data[0] == '9'))
                return (unsigned) (value.data[0] - '0');
        if (value.length == 2 && value.data[0] == '1' && value.data[1] >= '0' && value.data[1] <= '5')
                return 10 + (unsigned) (value.data[1] - '0');
        return 0;
}

enum { SEEN_SERVER_TAKEOVER = 1, SEEN_CLIENT_TAKEOVER = 2, SEEN_SERVER_BITS = 4, SEEN_CLIENT_BITS = 8 };

/* One parameter of an offer. False when the offer cannot be met (RFC 7692 section 7: unknown, repeated, out of bounds). */
static bool take_parameter(struct slice part, unsigned *seen, struct websocket_extension *extension) {
        const char *equals = memchr(part.data, '=', part.length);
        size_t length = equals ? (size_t) (equals - part.data) : part.length;
        struct slice name = slice_trim((struct slice) { part.data, length });
        struct slice value = equals ? slice_trim(slice_from(part, length + 1)) : SLICE_NULL;
        unsigned flag = 0, bits = equals ? window_bits(value) : 0;
        if (slice_equal_nocase(name, SLICE_LITERAL("server_no_context_takeover")) && !equals)
                flag = SEEN_SERVER_TAKEOVER;
        else if (slice_equal_nocase(name, SLICE_LITERAL("client_no_context_takeover")) && !equals)
                flag = SEEN_CLIENT_TAKEOVER;
        else if (slice_equal_nocase(name, SLICE_LITERAL("server_max_window_bits")) && bits)
                flag = SEEN_SERVER_BITS;
        else if (slice_equal_nocase(name, SLICE_LITERAL("client_max_window_bits")) && (bits || !equals))
                flag = SEEN_CLIENT_BITS;
        if (!flag || (*seen & flag))
                return false;
        *seen |= flag;

        if (flag == SEEN_SERVER_TAKEOVER)
                extension->server_no_context_takeover = true;
        if (flag == SEEN_CLIENT_TAKEOVER)
                extension->client_no_context_takeover = true;
        if (flag == SEEN_SERVER_BITS) {
                /* zlib's raw DEFLATE has no window of 256 bytes. */
                if (bits < 9)
                        return false;
                extension->server_window_bits = (uint8_t) MIN_OF(bits, (unsigned) extension->server_window_bits);
        }
        if (flag == SEEN_CLIENT_BITS) {
                extension->says_client_window = true;
                if (bits)
                        extension->client_window_bits =
                                        (uint8_t) MIN_OF(bits, (unsigned) extension->client_window_bits);
        }
        return true;
}

static bool take_offer(struct slice offer, uint8_t max_window_bits, struct websocket_extension *ret_extension) {
        struct websocket_extension extension = { .has_deflate = true,
                                                 .server_window_bits = max_window_bits,
                                                 .client_window_bits = max_window_bits };
        unsigned seen = 0;
        if (!slice_equal_nocase(next_part(&offer), SLICE_LITERAL("permessage-deflate")))
                return false;
        while (offer.length > 0)
                if (!take_parameter(next_part(&offer), &seen, &extension))
                        return false;
        /* A client that did not say that it can be told must be let have its whole window. */
        if (!extension.says_client_window)
                extension.client_window_bits = 15;
        *ret_extension = extension;
        return true;
}

void websocket_negotiate(const struct http_fields *fields, uint8_t max_window_bits,
                         struct websocket_extension *ret_extension) {
        *ret_extension = (struct websocket_extension) { 0 };
        for (unsigned i = 0; i < fields->count; i++) {
                if (!slice_equal_nocase(fields->items[i].name, SLICE_LITERAL("Sec-WebSocket-Extensions")))
                        continue;
                struct slice list = fields->items[i].value, offer;
                while (http_list_next(&list, &offer))
                        if (take_offer(offer, max_window_bits, ret_extension))
                                return;
        }
}

struct slice websocket_extension_answer(const struct websocket_extension *extension, struct arena *arena) {
        struct text text = TEXT_INIT;
        text_append_string(&text, "permessage-deflate");
        if (extension->server_no_context_takeover)
                text_append_string(&text, "; server_no_context_takeover");
        if (extension->client_no_context_takeover)
                text_append_string(&text, "; client_no_context_takeover");
        if (extension->server_window_bits < 15)
                text_printf(&text, "; server_max_window_bits=%u", extension->server_window_bits);
        if (extension->says_client_window && extension->client_window_bits < 15)
                text_printf(&text, "; client_max_window_bits=%u", extension->client_window_bits);
        char *copy = text.failed ? NULL : arena_copy(arena, (struct slice) { text.data, text.length });
        struct slice answer = { copy, text.length };
        text_done(&text);
        return copy ? answer : SLICE_NULL;
}

const char *websocket_choose_protocol(const struct http_fields *fields, const char *const *protocols) {
        for (; protocols && *protocols; protocols++) {
                for (unsigned i = 0; i < fields->count; i++) {
                        struct slice list = fields->items[i].value, element;
                        if (!slice_equal_nocase(fields->items[i].name, SLICE_LITERAL("Sec-WebSocket-Protocol")))
                                continue;
                        while (http_list_next(&list, &element))
                                if (slice_equal_text(element, *protocols))
                                        return *protocols;
                }
        }
        return NULL;
}
