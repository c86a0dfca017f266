/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, checks and writes signed addresses. Only what is in the order and form that `signed_address_write` gives is read, so that
 * there is one way to write each. */
#include "http/signed_address.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "http/pace.h"
#include "shared/syscall.h"
#include "shared/utf8.h"

#define SIGNATURE_BYTES 32
#define DIGITS_MAX 18

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Takes "NAME=VALUE" off the query, when it is what comes next. */
static struct slice take(struct slice *query, const char *name) {
        struct slice wanted = slice_of(name);
        if (!slice_starts_with(*query, wanted))
                return SLICE_NULL;
        struct slice rest = slice_from(*query, wanted.length);
        const char *end = rest.length > 0 ? memchr(rest.data, '&', rest.length) : NULL;
        struct slice value = { rest.data, end ? (size_t) (end - rest.data) : rest.length };
        *query = slice_from(rest, value.length + (end ? 1 : 0));
        return value;
}

static bool parse_number(struct slice text, uint64_t maximum, uint64_t *ret_number) {
        if (text.length == 0 || text.length > DIGITS_MAX || (text.data[0] == '0' && text.length > 1))
                return false;
        uint64_t number = 0;
        for (size_t i = 0; i < text.length; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return false;
                number = number * 10 + (unsigned) (text.data[i] - '0');
        }
        *ret_number = number;
        return number <= maximum;
}

static int hex(char character) {
        return character >= '0' && character <= '9'   ? character - '0'
               : character >= 'A' && character <= 'F' ? character - 'A' + 10
               : character >= 'a' && character <= 'f' ? character - 'a' + 10
                                                      : -1;
}

/* The bytes of a percent-encoded value; -EINVAL when it is none, or too long. */
static ssize_t decode(struct slice text, char *ret_bytes, size_t size) {
        size_t length = 0;
        for (size_t i = 0; i < text.length; i++) {
                if (length == size)
                        return -EINVAL;
                if (text.data[i] != '%') {
                        ret_bytes[length++] = text.data[i];
                        continue;
                }
                int high = i + 2 < text.length ? hex(text.data[i + 1]) : -1;
                int low = i + 2 < text.length ? hex(text.data[i + 2]) : -1;
                if (high < 0 || low < 0)
                        return -EINVAL;
                ret_bytes[length++] = (char) (high << 4 | low);
                i += 2;
        }
        return (ssize_t) length;
}

bool signed_name_is_valid(struct slice name) {
        if (name.length == 0 || name.length > SIGNED_NAME_MAX || !utf8_is_valid(name))
                return false;
        for (size_t i = 0; i < name.length; i++)
                if ((unsigned char) name.data[i] < 0x20 || name.data[i] == 0x7f || name.data[i] == '/' ||
                    name.data[i] == '\\')
                        return false;
        return true;
}

static bool parse_name(struct slice value) {
        char name[SIGNED_NAME_MAX];
        ssize_t length = decode(value, name, sizeof(name));
        return length > 0 && signed_name_is_valid((struct slice) { name, (size_t) length });
}

int signed_address_parse(struct slice query, struct signed_address *ret_address) {
        if (!signed_address_find_signature(query).data)
                return -ENOENT;
        const char *end = query.data + query.length;
        struct signed_address address = { 0 };
        uint64_t expires = 0;
        address.expires = take(&query, "expires=");
        address.key = take(&query, "key=");
        address.name = take(&query, "name=");
        address.rate = take(&query, "rate=");
        address.signature = take(&query, "signature=");
        if (!parse_number(address.expires, INT64_MAX, &expires) || !key_id_is_valid(address.key) ||
            (address.name.data && !parse_name(address.name)) ||
            (address.rate.data &&
             (!parse_number(address.rate, HTTP_PACE_RATE_MAX, &address.rate_bytes) || address.rate_bytes == 0)) ||
            address.signature.length != SIGNED_SIGNATURE_LENGTH ||
            address.signature.data + SIGNED_SIGNATURE_LENGTH != end)
                return -EINVAL;
        address.expires_at = (int64_t) expires;
        *ret_address = address;
        return 0;
}

static void put(struct text *text, struct slice value) {
        text_append(text, value);
        text_append_char(text, '\0');
}

static int sign(const struct signed_address *address, const struct key *key, struct slice host, struct slice path,
                char ret_signature[SIGNED_SIGNATURE_LENGTH]) {
        _cleanup_text_ struct text text = TEXT_INIT;
        put(&text, SLICE_LITERAL("ccodes-signed-1"));
        put(&text, SLICE_LITERAL("read"));
        put(&text, host);
        put(&text, path);
        put(&text, address->expires);
        put(&text, address->key);
        put(&text, address->name);
        put(&text, address->rate);
        unsigned char digest[SIGNATURE_BYTES + 1] = { 0 };
        if (text.failed)
                return -ENOMEM;
        if (!HMAC(EVP_sha256(), key->bytes, KEY_BYTES, (const unsigned char *) text.data, text.length, digest, NULL))
                return -EIO;
        for (size_t i = 0; i < SIGNED_SIGNATURE_LENGTH; i++) {
                size_t bit = i * 6, byte = bit / 8, shift = 10 - bit % 8;
                ret_signature[i] = base64[((unsigned) (digest[byte] << 8 | digest[byte + 1]) >> shift) & 63];
        }
        return 0;
}

int signed_address_check(const struct signed_address *address, const struct key_ring *ring, struct slice host,
                         struct slice path, int64_t now) {
        const struct key *key = key_ring_find(ring, address->key);
        if (!key)
                return -ENOKEY;
        char signature[SIGNED_SIGNATURE_LENGTH];
        int r = sign(address, key, host, path, signature);
        if (r < 0)
                return r;
        if (CRYPTO_memcmp(signature, address->signature.data, SIGNED_SIGNATURE_LENGTH) != 0)
                return -EKEYREJECTED;
        return now >= address->expires_at ? -EKEYEXPIRED : 0;
}

static bool is_unreserved(unsigned char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
               byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static void append_encoded(struct text *text, struct slice bytes) {
        for (size_t i = 0; i < bytes.length; i++) {
                if (is_unreserved((unsigned char) bytes.data[i]))
                        text_append_char(text, bytes.data[i]);
                else
                        text_printf(text, "%%%02X", (unsigned char) bytes.data[i]);
        }
}

int signed_address_write(const struct signed_request *request, const struct key_ring *ring, struct text *text) {
        if (request->expires_at < 0 || request->rate > HTTP_PACE_RATE_MAX ||
            (request->name.data && !signed_name_is_valid(request->name)))
                return -EINVAL;
        const struct key *key = key_ring_newest(ring);
        _cleanup_text_ struct text query = TEXT_INIT;
        text_printf(&query, "expires=%lld&key=%s", (long long) request->expires_at, key->id);
        if (request->name.data) {
                text_append_string(&query, "&name=");
                append_encoded(&query, request->name);
        }
        if (request->rate > 0)
                text_printf(&query, "&rate=%llu", (unsigned long long) request->rate);
        if (query.failed)
                return -ENOMEM;

        struct signed_address address = { 0 };
        struct slice rest = { query.data, query.length };
        address.expires = take(&rest, "expires=");
        address.key = take(&rest, "key=");
        address.name = take(&rest, "name=");
        address.rate = take(&rest, "rate=");
        char signature[SIGNED_SIGNATURE_LENGTH];
        int r = sign(&address, key, request->host, request->path, signature);
        if (r < 0)
                return r;
        text_append(text, (struct slice) { query.data, query.length });
        text_append_string(text, "&signature=");
        text_append(text, (struct slice) { signature, sizeof(signature) });
        return text->failed ? -ENOMEM : 0;
}

/* A quoted-string holds any printable ASCII; browsers decode "%" in it, each in its own way, so that such names are told by RFC 8187. */
static bool is_plain(unsigned char byte) {
        return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\' && byte != '%';
}

void signed_address_write_disposition(const struct signed_address *address, struct text *text) {
        char bytes[SIGNED_NAME_MAX];
        ssize_t length = address->name.data ? decode(address->name, bytes, sizeof(bytes)) : -EINVAL;
        text_append_string(text, "attachment");
        if (length <= 0)
                return;
        bool all_plain = true;
        text_append_string(text, "; filename=\"");
        for (ssize_t i = 0; i < length; i++) {
                bool plain = is_plain((unsigned char) bytes[i]);
                if (plain || ((unsigned char) bytes[i] & 0xc0) != 0x80) /* one '_' for each character */
                        text_append_char(text, plain ? bytes[i] : '_');
                all_plain &= plain;
        }
        text_append_char(text, '"');
        if (all_plain)
                return;
        text_append_string(text, "; filename*=UTF-8''");
        append_encoded(text, (struct slice) { bytes, (size_t) length });
}

struct slice signed_address_find_signature(struct slice target) {
        static const struct slice name = SLICE_LITERAL("signature=");
        for (struct slice rest = target; rest.length > name.length;) {
                const char *at = memmem(rest.data, rest.length, name.data, name.length);
                if (!at)
                        break;
                rest = slice_from(rest, (size_t) (at - rest.data) + name.length);
                if (at > target.data && at[-1] != '&' && at[-1] != '?')
                        continue;
                const char *end = rest.length > 0 ? memchr(rest.data, '&', rest.length) : NULL;
                return (struct slice) { rest.data, end ? (size_t) (end - rest.data) : rest.length };
        }
        return SLICE_NULL;
}
