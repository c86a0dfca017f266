/* SPDX-License-Identifier: Apache-2.0 */
/* ccodes-generator: units of a configuration, values that need quoting, places that the sandbox hides. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "generator/processors.h"
#include "generator/server_units.h"
#include "generator/unit_places.h"
#include "generator/unit_set.h"

#define HOME "ProtectHome=tmpfs\nTemporaryFileSystem=/home:ro /root:ro /run/user:ro\n"

static void processors_are_counted_by_the_highest(void **state) {
        (void) state;
        assert_int_equal(processors_in_list("0\n"), 1);
        assert_int_equal(processors_in_list("0-3\n"), 4);
        assert_int_equal(processors_in_list("0-1,8\n"), 9);
        assert_int_equal(processors_in_list("0,2-5"), 6);
        assert_int_equal(processors_in_list(""), 1);
        assert_int_equal(processors_in_list("none"), 1);
        assert_int_equal(processors_in_list("-4"), 1);
        assert_int_equal(processors_in_list("0-99999999999999999999"), PROCESSORS_MAX);
        assert_in_range(processors_possible(), 1, PROCESSORS_MAX);
}

static void check_word(const char *word, const char *expected) {
        _cleanup_text_ struct text text = TEXT_INIT;
        unit_append_word(&text, word);
        assert_string_equal(text.data, expected);
}

static void words_are_quoted(void **state) {
        (void) state;
        check_word("/srv/www", "\"/srv/www\"");
        check_word("/srv/my site", "\"/srv/my site\"");
        check_word("/srv/100%", "\"/srv/100%%\"");
        check_word("/srv/a\"b\\c", "\"/srv/a\\\"b\\\\c\"");
        _cleanup_text_ struct text text = TEXT_INIT;
        unit_append_value(&text, "/run/100%.sock");
        assert_string_equal(text.data, "/run/100%%.sock");
}

static void check_place(const char *path, bool writable, const char *expected) {
        _cleanup_(unit_places_done) struct unit_places places = UNIT_PLACES_INIT;
        _cleanup_text_ struct text text = TEXT_INIT;
        text_append_string(&text, "");
        assert_int_equal(unit_places_add(&places, path, writable, NULL), 0);
        unit_places_append(&places, &text);
        assert_string_equal(text.data ? text.data : "", expected);
}

static void hidden_places_are_bound(void **state) {
        (void) state;
        check_place("/srv/www", false, "");
        check_place("/homestead", false, "");
        check_place("/", false, "");
        check_place("/home/ada/site", false, HOME "BindReadOnlyPaths=-\"/home/ada/site\"\n");
        check_place("/home", false, HOME "BindReadOnlyPaths=-\"/home\"\n");
        check_place("/root/x", false, HOME "BindReadOnlyPaths=-\"/root/x\"\n");
        check_place("/run/user/1000/x", false, HOME "BindReadOnlyPaths=-\"/run/user/1000/x\"\n");
        check_place("/tmp/site", false, "BindReadOnlyPaths=-\"/tmp/site\"\n");
        check_place("/var/tmp/site", false, "BindReadOnlyPaths=-\"/var/tmp/site\"\n");
        check_place("/srv/logs", true, "ReadWritePaths=-\"/srv/logs\"\n");
        check_place("/home/ada/logs", true, HOME "BindPaths=-\"/home/ada/logs\"\nReadWritePaths=-\"/home/ada/logs\"\n");
}

static void paths_are_made_normal(void **state) {
        (void) state;
        check_place("//home/./ada//site/", false, HOME "BindReadOnlyPaths=-\"/home/ada/site\"\n");
        check_place("/etc/ccodes/../../tmp/a/..", true, "BindPaths=-\"/tmp\"\nReadWritePaths=-\"/tmp\"\n");
        check_place("/../..", true, "ReadWritePaths=-\"/\"\n");
        check_place("/a/..", true, "ReadWritePaths=-\"/\"\n");
        check_place("/a/.../..b", true, "ReadWritePaths=-\"/a/.../..b\"\n");
}

static void a_place_stands_once(void **state) {
        (void) state;
        _cleanup_(unit_places_done) struct unit_places places = UNIT_PLACES_INIT;
        _cleanup_text_ struct text text = TEXT_INIT;
        assert_int_equal(unit_places_add(&places, "/tmp/a", false, NULL), 0);
        assert_int_equal(unit_places_add_file(&places, "/tmp/a/access.log", true, NULL), 0);
        assert_int_equal(unit_places_add(&places, "/tmp/a/", false, NULL), 0);
        assert_int_equal(unit_places_add_file(&places, "/file", false, NULL), 0);
        unit_places_append(&places, &text);
        assert_string_equal(text.data, "BindPaths=-\"/tmp/a\"\nReadWritePaths=-\"/tmp/a\"\n");
}

static void impossible_paths_are_refused(void **state) {
        (void) state;
        _cleanup_(unit_places_done) struct unit_places places = UNIT_PLACES_INIT;
        struct error error = ERROR_INIT;
        assert_int_equal(unit_places_add(&places, "relative", false, &error), -EINVAL);
        assert_string_equal(error.text, "a unit cannot name the path 'relative'");
        assert_int_equal(unit_places_add(&places, "/a\nExecStart=/bin/sh", false, NULL), -EINVAL);
        assert_int_equal(unit_places_add(&places, "/a\x7f", false, NULL), -EINVAL);
        assert_int_equal(unit_places_add(&places, "", false, NULL), -EINVAL);
        assert_int_equal(places.count, 0);
}

static int make_of(const char *file, const char *toml, struct error *error, struct unit_set *ret_set) {
        struct error problem = ERROR_INIT;
        struct config *config = NULL;
        if (config_load_text(toml, "test", &problem, &config) < 0)
                fail_msg("%s", problem.text);
        int r = server_units_make(&config->root, file, 2, error, ret_set);
        config_unref(config);
        return r;
}

static int make(const char *toml, struct error *error, struct unit_set *ret_set) {
        return make_of("/etc/ccodes/ccodes.toml", toml, error, ret_set);
}

static const char *content_of(const struct unit_set *set, const char *path) {
        for (size_t i = 0; i < set->count; i++)
                if (strcmp(set->files[i].path, path) == 0)
                        return set->files[i].content;
        fail_msg("%s is missing", path);
        return NULL;
}

#define SITE "[[site]]\nname = \"a\"\ndefault = true\nroot = \"/srv/a\"\n"
#define LISTENER(name, address) "[[server.listener]]\nname = \"" name "\"\naddress = \"" address "\"\n"

static void a_listener_becomes_a_socket_unit(void **state) {
        (void) state;
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
        assert_int_equal(make(SITE LISTENER("http", "8080") "backlog = 77\n", NULL, &set), 0);
        assert_int_equal(set.count, 3);
        assert_string_equal(content_of(&set, "ccodes-server-http.socket"),
                            "# Written by ccodes-generator for the listener 'http' of /etc/ccodes/ccodes.toml.\n"
                            "\n"
                            "[Unit]\n"
                            "Description=Container Codes web server, listener http\n"
                            "Documentation=man:ccodes.toml(5)\n"
                            "SourcePath=/etc/ccodes/ccodes.toml\n"
                            "PartOf=ccodes.target\n"
                            "\n"
                            "[Socket]\n"
                            "# A socket for each processor that there could be; the workers share them out.\n"
                            "ListenStream=8080\n"
                            "ListenStream=8080\n"
                            "ReusePort=yes\n"
                            "NoDelay=yes\n"
                            "BindIPv6Only=both\n"
                            "Backlog=77\n"
                            "FileDescriptorName=http\n"
                            "Service=ccodes-server-activate.service\n"
                            "TriggerLimitIntervalSec=0\n");
}

static void addresses_take_their_forms(void **state) {
        (void) state;
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
        assert_int_equal(make(SITE LISTENER("v6", "[::1]:81") LISTENER("v4", "127.0.0.1:82")
                                              LISTENER("any4", "0.0.0.0:83") LISTENER("any6", "[::]:84")
                                                              LISTENER("local", "unix:/run/my 100%.sock"),
                              NULL, &set),
                         0);
        const char *v6 = content_of(&set, "ccodes-server-v6.socket");
        assert_non_null(strstr(v6, "ListenStream=[::1]:81\nListenStream=[::1]:81\nReusePort=yes\n"));
        assert_non_null(strstr(v6, "\nFreeBind=yes\n"));
        assert_null(strstr(v6, "BindIPv6Only"));
        assert_non_null(strstr(content_of(&set, "ccodes-server-v4.socket"), "ListenStream=127.0.0.1:82\n"));
        const char *any4 = content_of(&set, "ccodes-server-any4.socket");
        assert_non_null(strstr(any4, "ListenStream=0.0.0.0:83\n"));
        assert_null(strstr(any4, "FreeBind"));
        assert_non_null(strstr(content_of(&set, "ccodes-server-any6.socket"), "ListenStream=84\n"));
        const char *local = content_of(&set, "ccodes-server-local.socket");
        assert_non_null(strstr(local, "ListenStream=/run/my 100%%.sock\n"));
        assert_null(strstr(local, "ReusePort"));
        assert_non_null(strstr(local, "RemoveOnStop=yes\n"));
}

static void both_instances_have_the_same_drop_in(void **state) {
        (void) state;
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
        assert_int_equal(make("[server]\ndrain_timeout = \"2min\"\n" LISTENER("a", "81") LISTENER(
                                              "b",
                                              "82") "[log.access]\ntarget = \"file\"\npath = \"/srv/logs/access.log\"\n"
                                                    "[[certificate]]\nname = \"c\"\ncertificate = "
                                                    "\"/home/ada/tls/c.pem\"\n"
                                                    "key = \"/home/ada/keys/c.pem\"\n"
                                                    "[[site]]\nname = \"s\"\ndefault = true\nroot = "
                                                    "\"/home/ada/site\"\n"
                                                    "[[site.upload]]\nname = \"u\"\npath = \"/u/\"\nfolder = "
                                                    "\"/srv/uploads\"\n",
                              NULL, &set),
                         0);
        const char *drop_in = content_of(&set, "ccodes-server.service.d/50-config.conf");
        assert_string_equal(drop_in, "# Written by ccodes-generator from /etc/ccodes/ccodes.toml.\n"
                                     "\n"
                                     "[Service]\n"
                                     "Sockets=ccodes-server-a.socket ccodes-server-b.socket\n"
                                     "TimeoutStopSec=2min 10s\n" HOME "BindReadOnlyPaths=-\"/home/ada/site\"\n"
                                     "ReadWritePaths=-\"/srv/uploads\"\n"
                                     "BindReadOnlyPaths=-\"/home/ada/tls\"\n"
                                     "BindReadOnlyPaths=-\"/home/ada/keys\"\n"
                                     "ReadWritePaths=-\"/srv/logs\"\n");
        assert_string_equal(content_of(&set, "ccodes-server@.service.d/50-config.conf"), drop_in);
}

static void put(const char *folder, const char *name) {
        _cleanup_free_ char *path = text_format("%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fclose(file), 0);
}

/* Encrypted ones come first; what is not there is left to the service, which says what to do. */
static void credentials_that_are_there_are_passed(void **state) {
        (void) state;
        char folder[] = "/tmp/ccodes-generator-XXXXXX";
        assert_non_null(mkdtemp(folder));
        _cleanup_free_ char *file = text_format("%s/ccodes.toml", folder),
                            *keys = text_format("%s/credentials", folder);
        assert_int_equal(mkdir(keys, 0700), 0);
        put(keys, "both");
        put(keys, "both.cred");
        put(keys, "plain");
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
#define UPLOAD(name)                                                                         \
        "[[site.upload]]\nname = \"" name "\"\npath = \"/" name "/\"\nfolder = \"/srv/" name \
        "\"\nformat = \"sealed\"\n"                                                          \
        "key = \"" name "\"\n"
        assert_int_equal(make_of(file, SITE "signing_key = \"plain\"\n" UPLOAD("both") UPLOAD("none"), NULL, &set), 0);
        _cleanup_free_ char *expected = text_format("LoadCredentialEncrypted=both:%s/both.cred\n"
                                                    "LoadCredential=plain:%s/plain\n",
                                                    keys, keys);
        const char *drop_in = content_of(&set, "ccodes-server.service.d/50-config.conf");
        const char *found = strstr(drop_in, "LoadCredential");
        assert_non_null(found);
        assert_string_equal(found, expected);
        _cleanup_free_ char *command = text_format("rm -r -- '%s'", folder);
        assert_int_equal(system(command), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(processors_are_counted_by_the_highest),
                cmocka_unit_test(words_are_quoted),
                cmocka_unit_test(hidden_places_are_bound),
                cmocka_unit_test(paths_are_made_normal),
                cmocka_unit_test(a_place_stands_once),
                cmocka_unit_test(impossible_paths_are_refused),
                cmocka_unit_test(a_listener_becomes_a_socket_unit),
                cmocka_unit_test(addresses_take_their_forms),
                cmocka_unit_test(both_instances_have_the_same_drop_in),
                cmocka_unit_test(credentials_that_are_there_are_passed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
