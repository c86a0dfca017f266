/* SPDX-License-Identifier: Apache-2.0 */
/* The table of [[site.upload]]. The folder takes a new instance, as every path does: the sandbox of a running one is
 * fixed to the folders that it began with. */
#include "config/upload_section.h"

#include <errno.h>
#include <string.h>

#include "config/value_check.h"

static const char *const accesses[] = {
        [CONFIG_UPLOAD_TOKEN] = "token",
        [CONFIG_UPLOAD_ANYONE] = "anyone",
        NULL,
};
static const char *const formats[] = {
        [CONFIG_UPLOAD_PLAIN] = "plain",
        [CONFIG_UPLOAD_SEALED] = "sealed",
        NULL,
};
static const char *const methods[] = {
        [CONFIG_UPLOAD_GET] = "get",       [CONFIG_UPLOAD_PUT] = "put", [CONFIG_UPLOAD_POST] = "post",
        [CONFIG_UPLOAD_DELETE] = "delete", [CONFIG_UPLOAD_TUS] = "tus", NULL,
};

/* A part of it that begins with a dot would be a hidden name, or lead elsewhere. */
static int check_path(const void *value, struct error *error) {
        const char *path = *(const char *const *) value;
        size_t length = strlen(path);
        if (length < 3 || path[0] != '/' || path[length - 1] != '/')
                return error_set(error, -EINVAL, "must begin and end with '/' and have a name in between, found '%s'",
                                 path);
        if (strstr(path, "//") || strstr(path, "/."))
                return error_set(error, -EINVAL, "may have no empty part and none that begins with '.', found '%s'",
                                 path);
        for (const char *byte = path; *byte; byte++)
                if ((unsigned char) *byte < 0x20 || *byte == 0x7f)
                        return error_set(error, -EINVAL, "may not have control characters");
        return 0;
}

static const struct config_key upload_keys[] = {
        {
                        .name = "name",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, name),
                        .example = "\"files\"",
                        .required = true,
                        .check = config_check_name,
                        .documentation = "What the folder is called in log entries, metrics and messages.",
        },
        {
                        .name = "path",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, path),
                        .example = "\"/files/\"",
                        .required = true,
                        .check = check_path,
                        .documentation = "The beginning of the paths that lead here. What the site's root has there is "
                                         "not served.",
        },
        {
                        .name = "folder",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_upload, folder),
                        .example = "\"/srv/files\"",
                        .required = true,
                        .documentation = "The folder that takes the files. The service's user must be allowed to write "
                                         "it. Unfinished files lie in .ccodes-staging beneath it.",
        },
        {
                        .name = "access",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, access),
                        .fallback = "\"token\"",
                        .choices = accesses,
                        .documentation = "Who may change something: whoever has a token for it, or anyone.",
        },
        {
                        .name = "methods",
                        .type = CONFIG_ENUM_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, methods),
                        .fallback = "[\"get\", \"put\", \"post\", \"tus\"]",
                        .choices = methods,
                        .documentation = "What can be done here: read files, put one, post a form with files, delete "
                                         "one, upload resumably by the tus protocol.",
        },
        {
                        .name = "format",
                        .type = CONFIG_ENUM,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_upload, format),
                        .fallback = "\"plain\"",
                        .choices = formats,
                        .documentation = "How files lie on the disk: as they are, or sealed: encrypted by AES-256-GCM, "
                                         "so "
                                         "that whoever has the disk can neither read nor change them unseen. A folder "
                                         "holds files of one format.",
        },
        {
                        .name = "key",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_upload, key),
                        .example = "\"uploads\"",
                        .check = config_check_name,
                        .documentation = "The credential with the keys of a sealed folder, which `ccodesctl keys init` "
                                         "makes.",
        },
        {
                        .name = "signed",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, is_signed),
                        .fallback = "false",
                        .documentation = "Let files be read by signed addresses alone (`ccodesctl sign`). The site "
                                         "needs a "
                                         "signing_key.",
        },
        {
                        .name = "rate",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, rate),
                        .fallback = "\"infinity\"",
                        .minimum = 1,
                        .maximum = INT64_MAX,
                        .documentation = "Bytes a second that one download goes at, at most; a signed address may say "
                                         "less.",
        },
        {
                        .name = "total_rate",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, total_rate),
                        .fallback = "\"infinity\"",
                        .minimum = 1,
                        .maximum = INT64_MAX,
                        .documentation = "Bytes a second that all downloads from the folder go at together, at most.",
        },
        {
                        .name = "listing",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, listing),
                        .fallback = "false",
                        .documentation = "List what is there.",
        },
        {
                        .name = "overwrite",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, overwrite),
                        .fallback = "true",
                        .documentation = "Let a file take the place of one that has its name.",
        },
        {
                        .name = "types",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, types),
                        .fallback = "[]",
                        .example = "[\"image/\", \"application/pdf\"]",
                        .check = config_check_media_ranges,
                        .documentation =
                                        "The media types that are taken, by what the first bytes of a file tell; where "
                                        "they tell only that it is text, binary, XML or a ZIP archive, by its name "
                                        "too. Empty: any.",
        },
        {
                        .name = "max_file",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, max_file),
                        .fallback = "\"1G\"",
                        .minimum = 1,
                        .maximum = INT64_MAX,
                        .documentation = "The largest file. It holds in place of max_body of [http.limits].",
        },
        {
                        .name = "max_total",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, max_total),
                        .fallback = "\"infinity\"",
                        .minimum = 1,
                        .maximum = INT64_MAX,
                        .documentation = "Bytes of all files beneath the folder, those that are under way included.",
        },
        {
                        .name = "max_files",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, max_files),
                        .fallback = "100000",
                        .minimum = 0,
                        .maximum = 1000000000,
                        .documentation = "Files and folders beneath the folder, files that are under way included; 0: "
                                         "no limit.",
        },
        {
                        .name = "max_active",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, max_active),
                        .fallback = "64",
                        .minimum = 1,
                        .maximum = 10000,
                        .documentation = "Uploads that write at a time. Each may take 512K of memory.",
        },
        {
                        .name = "max_parts",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, max_parts),
                        .fallback = "1000",
                        .minimum = 1,
                        .maximum = 1000000,
                        .documentation = "Resumable uploads that are not finished.",
        },
        {
                        .name = "keep_parts",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, keep_parts),
                        .fallback = "\"24h\"",
                        .minimum = 1000000,
                        .maximum = 3650LL * 24 * 3600 * 1000000,
                        .documentation = "How long a resumable upload that is not finished may rest before it is "
                                         "removed.",
        },
        {
                        .name = "min_free",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_upload, min_free),
                        .fallback = "\"64M\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "Bytes that an upload must leave free on the folder's disk.",
        },
};

static int check_upload(void *object, struct error *error, const char **ret_key) {
        const struct config_upload *upload = object;
        *ret_key = "format";
        if (upload->format == CONFIG_UPLOAD_SEALED && !upload->key)
                return error_set(
                                error, -EINVAL,
                                "upload '%.64s': a sealed folder needs 'key', the name of the credential with its keys",
                                upload->name);
        *ret_key = "key";
        if (upload->format != CONFIG_UPLOAD_SEALED && upload->key)
                return error_set(error, -EINVAL, "upload '%.64s': 'key' has no meaning without format = \"sealed\"",
                                 upload->name);
        return 0;
}

const struct config_table config_upload_table = {
        .name = "upload",
        .size = sizeof(struct config_upload),
        .keys = upload_keys,
        .key_count = ELEMENTS_OF(upload_keys),
        .documentation = "A folder that clients may put files into.",
        .check = check_upload,
};
