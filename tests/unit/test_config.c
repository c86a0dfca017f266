/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of the product: its defaults, its example, every check of its sections, and loading from files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "config/config.h"
#include "shared/quantity.h"

static struct config *load_text(const char *text) {
        struct error error = ERROR_INIT;
        struct config *config = NULL;
        if (config_load_text(text, "/etc/ccodes/ccodes.toml", &error, &config) < 0)
                fail_msg("%s", error.text);
        return config;
}

static void the_defaults_are_sound(void **state) {
        (void) state;
        struct config *config = load_text("");
        const struct config_root *root = &config->root;
        assert_int_equal(root->server.listeners.count, 0);
        assert_int_equal(root->sites.count, 0);
        assert_int_equal(root->certificates.count, 0);
        assert_int_equal(root->http.limits.max_head, 16384);
        assert_int_equal(root->http.limits.max_request_line, 8192);
        assert_int_equal(root->http.limits.max_body, 16777216);
        assert_int_equal(root->http.timeouts.head.deadline, 30000000);
        assert_int_equal(root->http.timeouts.head.idle, 15000000);
        assert_true(root->http.timeouts.body.deadline == QUANTITY_INFINITY);
        assert_int_equal(root->http.timeouts.body.minimum_rate, 240);
        assert_int_equal(root->http.timeouts.keep_alive, 75000000);
        assert_true(root->http.server_field);
        assert_int_equal(root->tls.minimum_version, CONFIG_TLS_1_2);
        assert_int_equal(root->tls.groups.count, 3);
        assert_string_equal(root->tls.groups.items[0], "X25519");
        assert_int_equal(root->log.level, 3);
        assert_int_equal(root->log.access.target, CONFIG_ACCESS_JOURNAL);
        assert_null(root->log.access.path);
        assert_true(root->server.sandbox);
        assert_int_equal(root->server.cache.max_bytes, 67108864);
        assert_null(config_unref(config));

        config = load_text("[[site]]\nname = \"a\"\nroot = \"www\"\n");
        const struct config_site *site = config->root.sites.items;
        assert_string_equal(site->root, "/etc/ccodes/www");
        assert_true(site->is_default); /* without hosts there is nothing else that it could be for */
        assert_int_equal(site->symlinks, CONFIG_SYMLINKS_BENEATH);
        assert_string_equal(site->index.items[0], "index.html");
        assert_int_equal(site->compression.codings.count, 3);
        assert_int_equal(site->compression.codings.items[0], CONFIG_CODING_BROTLI);
        assert_int_equal(site->compression.codings.items[1], CONFIG_CODING_ZSTD);
        assert_int_equal(site->compression.codings.items[2], CONFIG_CODING_GZIP);
        assert_int_equal(site->hsts, 0);
        config_unref(config);
}

/* What no default could show: a table's own check runs on what is written only. */
static void check_table(const struct config_table *table) {
        assert_non_null(table->documentation);
        for (size_t i = 0; i < table->key_count; i++) {
                const struct config_key *key = &table->keys[i];
                bool is_table = key->type == CONFIG_TABLE || key->type == CONFIG_TABLE_LIST;
                assert_true(key->offset < table->size);
                assert_true(is_table == (key->table != NULL));
                assert_true(is_table == (key->documentation == NULL));
                assert_true((key->choices != NULL) == (key->type == CONFIG_ENUM || key->type == CONFIG_ENUM_LIST));
                /* Someone who got it wrong is shown how it is written. */
                if (!is_table && !key->fallback && !key->example)
                        fail_msg("'%s' of '%s' has neither a default nor an example", key->name, table->name);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(key->name, table->keys[j].name);
                if (is_table)
                        check_table(key->table);
        }
}

static void the_tables_are_whole(void **state) {
        (void) state;
        check_table(&config_root_table);
}

#define SITE "[[site]]\nname = \"a\"\nroot = \"/srv\"\n"
#define RULE SITE "[[site.rule]]\npath = \"/x\"\n"
#define LISTENER "[[server.listener]]\nname = \"web\"\naddress = \"80\"\n"
#define CERTIFICATE "[[certificate]]\nname = \"example.org\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n"
#define AT(place) "/etc/ccodes/ccodes.toml:" place ": "

static const struct {
        const char *text, *message;
} mistakes[] = {
        { "[server]\nlisen = 80\n", AT("2:1") "unknown key 'lisen' in [server]; did you mean [[server.listener]]?" },
        { "[[server.lisener]]\nname = \"a\"\n",
          AT("1:1") "unknown section [[server.lisener]]; did you mean [[server.listener]]?" },
        { "[[listener]]\nname = \"a\"\n", AT("1:1") "unknown section [[listener]]; it is written [[server.listener]]" },
        { "root = \"/srv\"\n", AT("1:1") "unknown key 'root' at the top level; it belongs in [[site]]" },
        { SITE "[errors]\n404 = \"/404.html\"\n", AT("4:1") "unknown section [errors]; it is written [site.errors]" },
        { "[server]\nmax_body = 1\n", AT("2:1") "unknown key 'max_body' in [server]; it belongs in [http.limits]" },
        { "[http.timeouts]\nidle = 1\n", AT("2:1") "unknown key 'idle' in [http.timeouts]; it belongs in "
                                                   "[http.timeouts.handshake], [http.timeouts.head], "
                                                   "[http.timeouts.body], [http.timeouts.send]" },
        { "[server]\nworkers = \"all\"\n", AT("2:1") "'workers' in [server] must be a whole number, found the "
                                                     "string \"all\"; for example: workers = 0" },
        { "[server]\nworkers = -1\n", AT("2:1") "'workers' in [server] must be from 0 to 1024, found the number -1" },
        { "[http.limits]\nmax_head = \"1M\"\n",
          AT("2:1") "'max_head' in [http.limits] must be from 1K to 16K, found the string \"1M\"" },
        { "[tls]\nminimum_version = 1.2\n",
          AT("2:1") "'minimum_version' in [tls] must be one of \"1.2\", \"1.3\", found the number 1.2; for "
                    "example: minimum_version "
                    "= \"1.2\"" },
        { "[tls]\nticket_rotation = \"1week\"\n",
          AT("2:1") "'ticket_rotation' in [tls] must be from 1min to 3d 12h, found the string \"1week\"" },
        { "[tls]\nciphers = \"A\\nB\"\n",
          AT("2:1") "'ciphers' in [tls] must be one line of ASCII without space around it, found 'A B'" },
        { "[log]\nlevel = \"warn\"\n", AT("2:1") "'level' in [log] must be one of \"error\", \"warning\", "
                                                 "\"notice\", \"info\", \"debug\", found the string "
                                                 "\"warn\"; did you mean \"warning\"?" },
        { "[log.access]\ntarget = \"file\"\n",
          AT("2:1") "[log.access] with target = \"file\" needs the key 'path'; for example: path = "
                    "\"/var/log/ccodes/access.log\"" },
        { "[log.access]\npath = \"/var/log/x\"\n",
          AT("2:1") "'path' in [log.access] has no meaning without target = \"file\"" },
        { "[[server.listener]]\nname = \"a b\"\naddress = \"80\"\n",
          AT("2:1") "'name' in [[server.listener]] must be a name of up to 64 letters, digits, '.', '_' and "
                    "'-', found 'a b'" },
        { "[[server.listener]]\nname = \"a\"\n",
          AT("1:1") "[[server.listener]] needs the key 'address'; for example: address = \"[::1]:8080\"" },
        { "[[server.listener]]\nname = \"a\"\naddress = 80\n",
          AT("3:1") "'address' in [[server.listener]] must be a string, found the number 80; for example: "
                    "address = "
                    "\"[::1]:8080\"" },
        { "[[server.listener]]\nname = \"a\"\naddress = \"localhost:80\"\n",
          AT("3:1") "'address' in [[server.listener]] must be an address: 'localhost:80' is a name, and names "
                    "are not looked up; "
                    "write 127.0.0.1:80 or [::1]:80" },
        { LISTENER "client_ca = \"ca.pem\"\n",
          AT("4:1") "listener 'web': 'client_ca' has no meaning without tls = true" },
        { LISTENER "certificates = [\"a\"]\n",
          AT("4:1") "listener 'web': 'certificates' has no meaning without tls = true" },
        { LISTENER "tls = true\nclient_certificate_required = true\n" CERTIFICATE,
          AT("5:1") "listener 'web': 'client_certificate_required' needs 'client_ca', the file of the "
                    "authorities that sign "
                    "client certificates" },
        { "[[server.listener]]\nname = \"admin\"\naddress = \"80\"\n",
          AT("2:1") "listener 'admin': a name that the server uses itself; take another one" },
        { LISTENER "tls = true\nredirect_https = true\n" CERTIFICATE,
          AT("5:1") "listener 'web': 'redirect_https' on a TLS listener would redirect for ever" },
        { LISTENER "tls = true\n", AT("4:1") "listener 'web' has tls = true, but there is no [[certificate]]; "
                                             "add one with the keys 'name', 'certificate' "
                                             "and 'key'" },
        { LISTENER "tls = true\ncertificates = [\"exmaple.org\"]\n" CERTIFICATE,
          AT("5:17") "listener 'web': no [[certificate]] is called 'exmaple.org'; did you mean 'example.org'?" },
        { LISTENER "tls = true\ncertificates = [\"example.org\", \"other\"]\n" CERTIFICATE,
          AT("5:32") "listener 'web': no [[certificate]] is called 'other'" },
        { LISTENER "[[server.listener]]\nname = \"local\"\naddress = \"127.0.0.1:80\"\n",
          AT("6:1") "listener 'local' at '127.0.0.1:80' overlaps listener 'web' at '80', see "
                    "/etc/ccodes/ccodes.toml:3; an "
                    "address can be opened once" },
        { LISTENER LISTENER, AT("5:1") "[[server.listener]] 'web': the name is taken, see "
                                       "/etc/ccodes/ccodes.toml:2; names must differ" },
        { "[[certificate]]\nname = \"a\"\n",
          AT("1:1") "[[certificate]] needs the key 'certificate'; for example: certificate = "
                    "\"/etc/ccodes/certificates/example.org.pem\"\n" AT(
                                    "1:1") "[[certificate]] needs the key 'key'; for example: key = "
                                           "\"/etc/ccodes/certificates/example.org.key\"" },
        { "[[site]]\nname = \"a\"\n", AT("1:1") "[[site]] needs the key 'root'; for example: root = \"/srv/www\"" },
        { SITE "hosts = \"example.org\"\n", AT("4:1") "'hosts' in [[site]] must be an array of strings, found "
                                                      "the string \"example.org\"; for example: hosts = "
                                                      "[\"example.org\", \"*.example.org\"]" },
        { SITE "hosts = [\"https://example.org\"]\n",
          AT("4:1") "'hosts' in [[site]] must hold host names, not URLs, found 'https://example.org'" },
        { SITE "hosts = [\"example.org:80\"]\n",
          AT("4:1") "'hosts' in [[site]] must hold host names without a port, found 'example.org:80'" },
        { SITE "hosts = [\"b\xC3\xBC"
               "cher.example\"]\n",
          AT("4:1") "'hosts' in [[site]] must hold host names in their ASCII form (xn--...), found 'b\xC3\xBC"
                    "cher.example'" },
        { SITE "hosts = [\"*\"]\n", AT("4:1") "'hosts' in [[site]] must hold host names, found '*'; a site for "
                                              "every other host has default = true" },
        { SITE "hosts = [\"a..b\"]\n", AT("4:1") "'hosts' in [[site]] must hold host names such as "
                                                 "'example.org' or '*.example.org', found 'a..b'" },
        { SITE "hosts = [\"a.*.b\"]\n", AT("4:1") "'hosts' in [[site]] must hold host names such as "
                                                  "'example.org' or '*.example.org', found 'a.*.b'" },
        { SITE "hosts = [\"a.example\", \"A.Example\"]\n", AT("4:23") "site 'a' names the host 'A.Example' twice" },
        { SITE "hosts = [\"x.example\"]\n[[site]]\nname = \"b\"\nroot = \"/srv\"\nhosts = [\"y.example\", "
               "\"X.example\"]\n",
          AT("8:23") "site 'b' names the host 'X.example', as site 'a' does, see /etc/ccodes/ccodes.toml:4" },
        { SITE "[[site]]\nname = \"b\"\nroot = \"/srv\"\n",
          AT("4:1") "site 'b' names no 'hosts' and so is the default one, as site 'a' is, see "
                    "/etc/ccodes/ccodes.toml:1; only one "
                    "site can answer for hosts that no site names" },
        { SITE "[[site]]\nname = \"b\"\nroot = \"/srv\"\nhosts = [\"b\"]\ndefault = true\n",
          AT("8:1") "site 'b' is the default one, as site 'a' is, see /etc/ccodes/ccodes.toml:1; only one site "
                    "can answer for "
                    "hosts that no site names" },
        { SITE "index = [\"a/b\"]\n",
          AT("4:1") "'index' in [[site]] must hold names of files, without '/', found 'a/b'" },
        { SITE "fallback = \"../x\"\n",
          AT("4:1") "'fallback' in [[site]] must be a path of a file beneath the root, found '../x'" },
        { SITE "errors = { 200 = \"/ok.html\" }\n",
          AT("4:1") "'errors' in [[site]] must hold keys from 400 to 599, found '200'" },
        { SITE "errors = { 404 = \"/a//b\" }\n",
          AT("4:1") "'errors' in [[site]] must hold paths of files beneath the root, found '/a//b'" },
        { SITE "charset = \"utf 8\"\n", AT("4:1") "'charset' in [[site]] must be a word without space, found 'utf 8'" },
        { SITE "hsts_subdomains = true\n", AT("4:1") "site 'a': 'hsts_subdomains' has no meaning without 'hsts'" },
        { SITE "hsts = \"30d\"\nhsts_subdomains = true\nhsts_preload = true\n",
          AT("6:1") "site 'a': 'hsts_preload' needs hsts_subdomains = true and a 'hsts' of at least 365d" },
        { SITE "[site.compression]\ncodings = [\"brotli\"]\n",
          AT("5:12") "'codings' in [site.compression] must be an array of \"br\", \"zstd\", \"gzip\", found "
                     "the string \"brotli\"; for "
                     "example: codings = [\"br\", \"zstd\", \"gzip\"]" },
        { SITE "[site.compression]\ntypes = [\"text\"]\n",
          AT("5:1") "'types' in [site.compression] must hold media types such as 'application/json', 'text/' "
                    "or '+json', found "
                    "'text'" },
        { SITE "[site.compression]\nminimum_size = \"1M\"\nmaximum_size = \"1K\"\n",
          AT("5:1") "'minimum_size' in [site.compression] may not be larger than 'maximum_size'" },
        { SITE "[[site.rule]]\npath = \"x\"\nredirect = \"/y\"\n",
          AT("5:1") "'path' in [[site.rule]] must be a pattern that begins with '/', found 'x'" },
        { SITE "[[site.rule]]\npath = "
               "\"/****************************************************************\"\nredirect = \"/y\"\n",
          AT("5:1") "'path' in [[site.rule]] must have at most 31 stars, found "
                    "'/***********************************************...'" },
        { RULE, AT("5:1") "the rule for '/x' does nothing: it needs 'redirect', 'cache_control', 'headers', "
                          "'content_type', 'link', 'signed' or 'rate'" },
        { RULE "redirect = \"example.org\"\n",
          AT("6:1") "'redirect' in [[site.rule]] must be a path or a URL without spaces, found 'example.org'" },
        { RULE "redirect = \"/a b\"\n",
          AT("6:1") "'redirect' in [[site.rule]] must be a path or a URL without spaces, found '/a b'" },
        { RULE "redirect = \"/y\"\nstatus = 304\n",
          AT("7:1") "'status' in [[site.rule]] must be 301, 302, 303, 307 or 308, found 304" },
        { RULE "redirect = \"/y\"\nstatus = 200\n",
          AT("7:1") "'status' in [[site.rule]] must be from 301 to 308, found the number "
                    "200" },
        { RULE "headers = { \"X Y\" = \"1\" }\n",
          AT("6:1") "'headers' in [[site.rule]] must hold names of header fields, found 'X Y'" },
        { RULE "headers = { X-A = \"a\\nSet-Cookie: b\" }\n",
          AT("6:1") "'headers' in [[site.rule]] must hold one line of ASCII without space around it for "
                    "'X-A'" },
        { RULE "headers = { content-length = \"1\" }\n",
          AT("6:1") "'headers' in [[site.rule]] may not hold 'content-length': the server sets it itself" },
        { RULE "cache_control = \" no-store\"\n",
          AT("6:1") "'cache_control' in [[site.rule]] must be one line of ASCII without space around it, found "
                    "' no-store'" },
};

static void mistakes_are_explained(void **state) {
        (void) state;
        for (size_t i = 0; i < ELEMENTS_OF(mistakes); i++) {
                struct error error = ERROR_INIT;
                struct config *config = NULL;
                int r = config_load_text(mistakes[i].text, "/etc/ccodes/ccodes.toml", &error, &config);
                if (r != -EINVAL)
                        fail_msg("accepted: %s", mistakes[i].text);
                assert_string_equal(error.text, mistakes[i].message);
                assert_null(config);
        }
}

static void a_lower_head_lowers_its_line(void **state) {
        (void) state;
        struct config *config = load_text("[http.limits]\nmax_head = \"4K\"\n");
        assert_int_equal(config->root.http.limits.max_request_line, 4096);
        config_unref(config);
}

static void what_is_right_is_taken(void **state) {
        (void) state;
        static const char *const texts[] = {
                LISTENER "[[server.listener]]\nname = \"tls\"\naddress = \"443\"\ntls = true\nclient_ca = "
                         "\"ca.pem\"\n" CERTIFICATE,
                SITE "hosts = [\"example.org\", \"*.example.org\", \"192.0.2.1\", \"[2001:db8::1]\", "
                     "\"xn--bcher-kva.example\", \"a_b\"]\n",
                SITE "default = true\nhosts = [\"a\"]\n[[site]]\nname = \"b\"\nhosts = [\"b\"]\nroot = \"/srv\"\n",
                SITE "hsts = \"365d\"\nhsts_subdomains = true\nhsts_preload = true\n",
                SITE "fallback = \"index.html\"\nerrors = { 404 = \"/e/404.html\", 500 = \"500.html\" }\n",
                RULE "redirect = \"https://example.org$uri\"\nstatus = 308\n",
                RULE "headers = { X-Frame-Options = \"DENY\", Server = \"\" }\nlink = [\"</a.css>; rel=preload\"]\n",
                "[http.limits]\nmax_body = \"infinity\"\n[http.timeouts.body]\ndeadline = \"infinity\"\nidle = 30\n",
                "[log.access]\ntarget = \"file\"\npath = \"access.log\"\nformat = \"combined\"\n",
        };
        for (size_t i = 0; i < ELEMENTS_OF(texts); i++)
                config_unref(load_text(texts[i]));
}

static void never(const char *path, const char *before, const char *after, enum config_effect effect, void *userdata) {
        (void) effect;
        (void) userdata;
        fail_msg("%s: %s became %s", path, before ? before : "-", after ? after : "-");
}

static void assert_round_trip(struct config *config) {
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_toml(&config_root_table, &config->root, config->tree, &text);
        struct config *again = load_text(text.data);
        config_compare(&config_root_table, &config->root, &again->root, never, NULL);
        config_unref(again);
}

/* The example, and the example with all that it offers taken up. */
static void the_example_loads(void **state) {
        (void) state;
        const char *source_root = getenv("CCODES_SOURCE_ROOT");
        if (!source_root)
                fail_msg("run by 'meson test', which says in CCODES_SOURCE_ROOT where the example is");
        char file[4096];
        (void) snprintf(file, sizeof(file), "%s/docs/examples/ccodes.toml", source_root);
        struct error error = ERROR_INIT;
        struct config *config = NULL;
        if (config_load(file, &error, &config) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(config->root.server.listeners.count, 1);
        assert_int_equal(config->root.sites.count, 1);
        assert_round_trip(config);
        config_unref(config);

        _cleanup_free_ char *text = NULL;
        size_t length;
        assert_int_equal(read_whole_file(AT_FDCWD, file, CONFIG_FILE_MAX, &text, &length), 0);
        for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
                if (line[0] == '#' && (line[1] == '[' || (line[1] >= 'a' && line[1] <= 'z')))
                        line[0] = ' ';
        config = load_text(text);
        assert_int_equal(config->root.server.listeners.count, 2);
        assert_int_equal(config->root.sites.count, 2);
        assert_int_equal(((const struct config_site *) config->root.sites.items)[1].rules.count, 2);
        assert_round_trip(config);
        config_unref(config);
}

static void references_share_one_configuration(void **state) {
        (void) state;
        struct config *config = load_text("[server]\nworkers = 3\n");
        assert_ptr_equal(config_ref(config), config);
        assert_null(config_unref(config));
        assert_int_equal(config->root.server.workers, 3);
        assert_null(config_unref(config));
        assert_null(config_unref(NULL));
}

/* Ten thousand sites are checked against each other in no noticeable time: by sorting, not by pairs. */
static void many_sites_are_no_burden(void **state) {
        (void) state;
        _cleanup_text_ struct text text = TEXT_INIT;
        for (unsigned i = 0; i < 10000; i++)
                text_printf(&text,
                            "[[site]]\nname = \"s%u\"\nroot = \"/srv/%u\"\nhosts = [\"h%u.example\", "
                            "\"www.h%u.example\"]\n",
                            i, i, i, i);
        struct config *config = load_text(text.data);
        assert_int_equal(config->root.sites.count, 10000);
        config_compare(&config_root_table, &config->root, &config->root, never, NULL);
        config_unref(config);

        text_append_string(&text, "[[site]]\nname = \"last\"\nroot = \"/srv\"\nhosts = [\"h5000.example\"]\n");
        struct error error = ERROR_INIT;
        assert_int_equal(config_load_text(text.data, "f.toml", &error, &config), -EINVAL);
        assert_string_equal(error.text, "f.toml:40004:10: site 'last' names the host 'h5000.example', as site 's5000' "
                                        "does, see f.toml:20004");
}

static void write_file(const char *folder, const char *name, const char *text) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void fragments_lie_beside_the_file(void **state) {
        (void) state;
        char folder[] = "/tmp/ccodes-test-config-XXXXXX", file[128], fragments[128], expected[512];
        assert_non_null(mkdtemp(folder));
        (void) snprintf(file, sizeof(file), "%s/main.toml", folder);
        (void) snprintf(fragments, sizeof(fragments), "%s/conf.d", folder);

        struct error error = ERROR_INIT;
        struct config *config = NULL;
        assert_int_equal(config_load(file, &error, &config), -ENOENT);
        (void) snprintf(expected, sizeof(expected), "%s: cannot be read: No such file or directory", file);
        assert_string_equal(error.text, expected);

        write_file(folder, "main.toml", LISTENER);
        assert_int_equal(config_load(file, NULL, &config), 0); /* conf.d need not exist */
        assert_int_equal(config->root.server.listeners.count, 1);
        config_unref(config);

        assert_int_equal(mkdir(fragments, 0700), 0);
        write_file(fragments, "site.toml", "[[site]]\nname = \"a\"\nroot = \"www\"\n[server]\nworkers = 2\n");
        error = ERROR_INIT;
        if (config_load(file, &error, &config) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(config->root.server.workers, 2);
        assert_int_equal(config->root.server.listeners.count, 1);
        (void) snprintf(expected, sizeof(expected), "%s/www", fragments);
        assert_string_equal(((const struct config_site *) config->root.sites.items)->root, expected);
        config_unref(config);

        write_file(fragments, "site.toml", "\n" LISTENER);
        error = ERROR_INIT;
        assert_int_equal(config_load(file, &error, &config), -EINVAL);
        (void) snprintf(expected, sizeof(expected),
                        "%s/site.toml:3:1: [[server.listener]] 'web': the name is taken, see %s:2; names must differ",
                        fragments, file);
        assert_string_equal(error.text, expected);

        (void) snprintf(expected, sizeof(expected), "%s/site.toml", fragments);
        assert_int_equal(unlink(expected), 0);
        assert_int_equal(rmdir(fragments), 0);
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(folder), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_defaults_are_sound),
                cmocka_unit_test(the_tables_are_whole),
                cmocka_unit_test(mistakes_are_explained),
                cmocka_unit_test(a_lower_head_lowers_its_line),
                cmocka_unit_test(what_is_right_is_taken),
                cmocka_unit_test(the_example_loads),
                cmocka_unit_test(references_share_one_configuration),
                cmocka_unit_test(many_sites_are_no_burden),
                cmocka_unit_test(fragments_lie_beside_the_file),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
