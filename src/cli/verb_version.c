/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl version. */
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>

#include "cli/verbs.h"

int verb_version(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        const char *openssl = OpenSSL_version(OPENSSL_VERSION_STRING);
        const char *curl = curl_version_info(CURLVERSION_NOW)->version;
        struct utsname kernel = { 0 };
        (void) arguments;
        (void) error;
        (void) uname(&kernel);

        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "version", output_json_string(CCODES_VERSION));
        json_object_object_add(object, "openssl", output_json_string(openssl));
        json_object_object_add(object, "curl", output_json_string(curl));
        json_object_object_add(object, "json_c", output_json_string(json_c_version()));
        json_object_object_add(object, "kernel", output_json_string(kernel.release));
        cli_report_object(cli, object);
        if (cli->json)
                return CLI_DONE;
        output_print(&cli->out, OUTPUT_STRONG, "ccodesctl %s\n", CCODES_VERSION);
        output_print(&cli->out, OUTPUT_FAINT, "OpenSSL %s, libcurl %s, json-c %s, %s %s\n", openssl, curl,
                     json_c_version(), kernel.sysname, kernel.release);
        return CLI_DONE;
}
