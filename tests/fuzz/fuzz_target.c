/* SPDX-License-Identifier: Apache-2.0 */
/* Targets, paths and authorities: the canonical path cannot leave its root, has one spelling only, and is a fixed point;
 * a host that was accepted is accepted again as itself. */
#include <errno.h>

#include "fuzz.h"
#include "http/target.h"
#include "shared/syscall.h"

static bool contains(struct slice text, const char *part) {
        return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

/* Each byte but '/' as an escape, which names the same path. */
static struct slice escape(struct slice path, char *ret_text) {
        static const char digits[] = "0123456789aBcDeF";
        size_t length = 0;
        for (size_t i = 0; i < path.length; i++) {
                unsigned char byte = (unsigned char) path.data[i];
                if (byte == '/') {
                        ret_text[length++] = '/';
                        continue;
                }
                ret_text[length++] = '%';
                ret_text[length++] = digits[byte >> 4];
                ret_text[length++] = digits[byte & 15];
        }
        return (struct slice) { ret_text, length };
}

static void check_path(struct slice raw) {
        _cleanup_free_ char *input = exact_copy(raw.data, raw.length), *scratch = exact_copy(raw.data, raw.length);
        struct slice path;
        int r = http_path_canonicalize((struct slice) { input, raw.length }, scratch, &path);
        require(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        require(lies_within(path, input, raw.length) || lies_within(path, scratch, raw.length));
        require(path.length > 0 && path.data[0] == '/');
        require(!contains(path, "//") && !contains(path, "/./") && !contains(path, "/../"));
        require(!slice_ends_with(path, SLICE_LITERAL("/.")) && !slice_ends_with(path, SLICE_LITERAL("/..")));
        for (size_t i = 0; i < path.length; i++)
                require((unsigned char) path.data[i] >= 0x20 && path.data[i] != 0x7f);

        _cleanup_free_ char *text = malloc(3 * path.length), *second_scratch = malloc(3 * path.length);
        require(text && second_scratch);
        struct slice again;
        require(http_path_canonicalize(escape(path, text), second_scratch, &again) == 0);
        require(slice_equal(again, path));
}

static void check_authority(struct slice text) {
        _cleanup_free_ char *scratch = exact_copy(text.data, text.length);
        struct slice host, again;
        uint16_t port, no_port;
        int r = http_authority_parse(text, scratch, &host, &port);
        require(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        require(lies_within(host, scratch, text.length) && host.length > 0);
        for (size_t i = 0; i < host.length; i++)
                require(!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ/\\@?#% \t\r\n", host.data[i]));
        require(host.data[host.length - 1] != '.');

        _cleanup_free_ char *second_scratch = exact_copy(host.data, host.length);
        require(http_authority_parse(host, second_scratch, &again, &no_port) == 0);
        require(slice_equal(again, host) && no_port == 0);
}

static void check_target(struct slice text, bool is_connect) {
        struct http_target target;
        int r = http_target_parse(text, is_connect, &target);
        require(r == 0 || r == -EBADMSG);
        if (r < 0)
                return;
        require((target.form == HTTP_TARGET_AUTHORITY) == is_connect);
        if (target.form == HTTP_TARGET_ORIGIN || target.form == HTTP_TARGET_ABSOLUTE) {
                require(target.raw_path.length > 0 && target.raw_path.data[0] == '/');
                require(!memchr(target.raw_path.data, '?', target.raw_path.length));
                require(lies_within(target.raw_path, text.data, text.length) || target.raw_path.length == 1);
                check_path(target.raw_path);
        }
        if (target.query.data)
                require(lies_within(target.query, text.data, text.length) && target.query.data[-1] == '?');
        if (target.form == HTTP_TARGET_ABSOLUTE || is_connect) {
                _cleanup_free_ char *scratch = exact_copy(text.data, text.length);
                struct slice host;
                uint16_t port;
                require(lies_within(target.authority, text.data, text.length));
                require(http_authority_parse(target.authority, scratch, &host, &port) == 0);
                require(!is_connect || port != 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
        struct slice text = { (const char *) data, length };
        check_target(text, false);
        check_target(text, true);
        check_authority(text);
        check_path(text);
        return 0;
}
