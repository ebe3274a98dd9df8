/* cli_test.c - the command line: options by the help text, guesses, columns, clean words. */
#include "test.h"

#include "fleet.h"
#include "must.h"
#include "process.h"
#include "verbs.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct verb verb = {.name = "try",
                                 .usage = "WORD",
                                 .options =
                                     "--email ADDRESS  whose it is\n--shuffle  in any order\n"
                                     "--copies N  how often\n",
                                 .examples = "usher try  tries\n"};

/* argv is split at blanks. */
static bool parse(struct cli *cli, const char *line, struct buf *why)
{
    static char text[512];
    static char *argv[32];
    int argc = 0;
    *cli = (struct cli){0};
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return cli_parse(cli, &verb, argc, argv, why);
}

static void test_options(void **state)
{
    (void)state;
    struct cli cli;
    struct buf why = {0};
    assert_true(parse(&cli, "a --email x@y --shuffle --email=z@y --json b -- --c", &why));
    assert_string_equal(cli_option(&cli, "--email"), "z@y");
    assert_string_equal(cli_option_nth(&cli, "--email", 0), "x@y");
    assert_string_equal(cli_option_nth(&cli, "--email", 1), "z@y");
    assert_null(cli_option_nth(&cli, "--email", 2));
    assert_true(cli_flag(&cli, "--shuffle"));
    assert_false(cli_flag(&cli, "--copies"));
    assert_true(cli.json);
    assert_false(cli.colour);
    assert_int_equal(cli.word_count, 3);
    assert_string_equal(cli_word(&cli, 2), "--c");
    assert_null(cli_word(&cli, 3));
    cli_fini(&cli);
    buf_fini(&why);
}

static void test_home(void **state)
{
    (void)state;
    struct cli cli;
    struct buf why = {0};
    setenv("USHER_HOME", "/from/environment", 1);
    assert_true(parse(&cli, "", &why));
    assert_string_equal(cli.home, "/from/environment");
    assert_false(cli.home_given);
    cli_fini(&cli);
    assert_true(parse(&cli, "--home /given", &why));
    assert_string_equal(cli.home, "/given");
    assert_true(cli.home_given);
    cli_fini(&cli);
    buf_fini(&why);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *why;
    } rows[] = {
        {"--emial x", "unknown option --emial; did you mean --email?"},
        {"--shuf", "unknown option --shuf; did you mean --shuffle?"},
        {"--hoem /x", "unknown option --hoem; did you mean --home?"},
        {"--unlike", "unknown option --unlike"},
        {"--email", "--email needs a value: ADDRESS  whose it is"},
        {"--shuffle=yes", "--shuffle takes no value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cli cli;
        struct buf why = {0};
        assert_false(parse(&cli, rows[i].line, &why));
        assert_string_equal(buf_text(&why), rows[i].why);
        cli_fini(&cli);
        buf_fini(&why);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool good;
        int64_t number;
    } rows[] = {
        {"", true, 7},
        {"--copies 1", true, 1},
        {"--copies 9", true, 9},
        {"--copies 0", false, 0},
        {"--copies 10", false, 0},
        {"--copies 1x", false, 0},
        {"--copies x", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cli cli;
        struct buf why = {0};
        int64_t number;
        assert_true(parse(&cli, rows[i].line, &why));
        assert_int_equal(cli_number(&cli, "--copies", 1, 9, 7, &number), rows[i].good);
        if (rows[i].good) {
            assert_int_equal(number, rows[i].number);
        }
        cli_fini(&cli);
        buf_fini(&why);
    }
}

static void test_guess(void **state)
{
    (void)state;
    assert_string_equal(verb_guess("statsu")->name, "status");
    assert_string_equal(verb_guess("trase")->name, "trace");
    assert_string_equal(verb_guess("start")->name, "up");
    assert_string_equal(verb_guess("stop")->name, "down");
    assert_null(verb_guess("reticulate"));
    assert_null(verb_guess("xx"));
    assert_int_equal(word_distance("abc", "abc"), 0);
    assert_int_equal(word_distance("abc", "acb"), 1);
    assert_int_equal(word_distance("abc", "ab"), 1);
    assert_int_equal(word_distance("", "ab"), 2);
}

/* Outside text cannot drive the terminal. */
static void test_clean(void **state)
{
    (void)state;
    assert_string_equal(cli_clean("a\033[31mb\nc\x7f"), "a?[31mb?c?");
    assert_string_equal(cli_clean("\xc2\x9b"
                                  "31m"),
                        "?31m"); /* CSI of the second kind */
    assert_string_equal(cli_clean("\xc3\xa9"), "\xc3\xa9");
    assert_string_equal(cli_clean(NULL), "");
    char long_text[4096];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_true(strlen(cli_clean(long_text)) < 512);
    assert_non_null(strstr(cli_clean(long_text), "..."));
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(cli_ago(-5), "0 ms");
    assert_string_equal(cli_ago(999), "999 ms");
    assert_string_equal(cli_ago(119 * 1000), "119 s");
    assert_string_equal(cli_ago(120 * 1000), "2 min");
    assert_string_equal(cli_ago(119 * 60 * 1000), "119 min");
    assert_string_equal(cli_ago(5LL * 24 * 3600 * 1000), "5 d");
    assert_string_equal(cli_bytes(999), "999 B");
    assert_string_equal(cli_bytes(1500), "1.5 kB");
    assert_string_equal(cli_bytes(67108864), "67.1 MB");
}

/* Every option of every verb can be parsed, every example begins with a command of ours. */
static void test_table(void **state)
{
    (void)state;
    const struct verb *each;
    for (size_t i = 0; (each = verb_nth(i)); i++) {
        assert_ptr_equal(verb_find(each->name), each);
        assert_string_not_equal(each->summary, "");
        assert_int_equal(strncmp(each->examples, "usher ", 6), 0);
        for (const char *line = each->options; *line; line = strchr(line, '\n') + 1) {
            assert_int_equal(strncmp(line, "--", 2), 0);
            assert_non_null(strchr(line, '\n'));
            assert_non_null(strstr(line, "  "));
        }
    }
}

/* --- programs ---------------------------------------------------------------------------------- */

static void test_process(void **state)
{
    (void)state;
    struct buf out = {0};
    struct buf err = {0};
    const char *const both[] = {"sh", "-c", "echo out; echo err >&2; exit 78", NULL};
    assert_int_equal(process_run(both, &out, &err, 5000), 78);
    assert_string_equal(buf_text(&out), "out\n");
    assert_string_equal(buf_text(&err), "err\n");
    const char *const none[] = {"no-such-program-anywhere", NULL};
    assert_int_equal(process_run(none, NULL, NULL, 5000), PROCESS_NOT_FOUND);
    const char *const late[] = {"sleep", "60", NULL};
    assert_int_equal(process_run(late, NULL, NULL, 50), PROCESS_LATE);
    const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
    assert_int_equal(process_run(killed, NULL, NULL, 5000), 128 + 9);
    const char *const much[] = {"sh", "-c", "yes | head -c 1000000", NULL};
    buf_reset(&out);
    assert_int_equal(process_run(much, &out, NULL, 5000), 0);
    assert_true(out.len <= PROCESS_OUTPUT_BYTES_MAX);
    buf_fini(&out);
    buf_fini(&err);
}

static void write_script(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0700), 0);
}

/* The finish script with s6 played by scripts: how long would it wait, and what does it say? */
static void test_finish(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        const char *deaths; /* what s6-svdt prints */
        const char *wanted;
        int exit_code;
        const char *naps;
    } rows[] = {
        {"100", "", "true", 125, ""},
        {"0", "@400000006b04b3b600000000 exitcode 0\n", "true", 0, ""},
        {"111", "@400000006b04b3b600000000 exitcode 111\n", "true", 0, "n"},
        {"256", "@400000006b04b3b600000000 signal SIGKILL\n", "true", 0, "n"},
        /* three within ten minutes: 1, 2, 4; one in order does not count */
        {"111",
         "@400000006b04b3b600000000 exitcode 111\n@400000006b04b3b700000000 exitcode 0\n"
         "@400000006b04b3b800000000 exitcode 111\n@400000006b04b3ba00000000 signal SIGSEGV\n",
         "true", 0, "nnnn"},
        /* an old one is forgotten */
        {"111", "@400000006b04a00000000000 exitcode 111\n@400000006b04b3ba00000000 exitcode 111\n",
         "true", 0, "n"},
        /* told to stop meanwhile */
        {"111", "@400000006b04b3b600000000 exitcode 111\n", "false", 0, ""},
    };
    char *folder = test_folder();
    char path[1024];
    const char *old_path = getenv("PATH");
    snprintf(path, sizeof path, "%s:%s", folder, old_path);
    char *kept = must_strdup(old_path);
    setenv("PATH", path, 1);
    write_script(folder, "finish", fleet_finish_script());
    write_script(folder, "sleep", "#!/bin/sh\nprintf n\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[1024];
        snprintf(script, sizeof script, "#!/bin/sh\nprintf '%%s' '%s'\n", rows[i].deaths);
        write_script(folder, "s6-svdt", script);
        snprintf(script, sizeof script, "#!/bin/sh\necho %s\n", rows[i].wanted);
        write_script(folder, "s6-svstat", script);
        char finish[512];
        snprintf(finish, sizeof finish, "%s/finish", folder);
        const char *const argv[] = {finish, rows[i].code, "0", "crm", NULL};
        struct buf naps = {0};
        assert_int_equal(process_run(argv, &naps, NULL, 10000), rows[i].exit_code);
        assert_string_equal(buf_text(&naps), rows[i].naps);
        buf_fini(&naps);
    }
    setenv("PATH", kept, 1);
    free(kept);
    test_rm_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),  cmocka_unit_test(test_home),
        cmocka_unit_test(test_mistakes), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_guess),    cmocka_unit_test(test_clean),
        cmocka_unit_test(test_words),    cmocka_unit_test(test_table),
        cmocka_unit_test(test_process),  cmocka_unit_test(test_finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
