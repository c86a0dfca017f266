/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for the names of uploaded files; pure functions. */
#include "server/upload/upload_name.h"

#include "shared/utf8.h"

#define PART_MAX 255 /* NAME_MAX of every usual file system */

static const char *part_fault(struct slice part) {
        if (part.length == 0)
                return "a part of the name is empty";
        if (part.data[0] == '.')
                return "a part of the name begins with a dot";
        return part.length > PART_MAX ? "a part of the name is longer than 255 bytes" : NULL;
}

const char *upload_name_fault(struct slice name) {
        if (name.length > UPLOAD_NAME_MAX)
                return "the name is longer than 1024 bytes";
        for (size_t i = 0; i < name.length; i++)
                if ((unsigned char) name.data[i] < 0x20 || name.data[i] == 0x7f)
                        return "the name has a control character";
        if (!utf8_is_valid(name))
                return "the name is not UTF-8";
        for (unsigned parts = 1;; parts++) {
                const char *slash = name.length ? memchr(name.data, '/', name.length) : NULL;
                struct slice part = { name.data, slash ? (size_t) (slash - name.data) : name.length };
                const char *fault = part_fault(part);
                if (fault || !slash)
                        return fault;
                if (parts == UPLOAD_NAME_PARTS)
                        return "the name has more than 32 parts";
                name = slice_from(name, part.length + 1);
        }
}

struct slice upload_name_last(struct slice name) {
        size_t start = name.length;
        while (start > 0 && name.data[start - 1] != '/' && name.data[start - 1] != '\\')
                start--;
        return slice_from(name, start);
}
