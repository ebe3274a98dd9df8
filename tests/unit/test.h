/* test.h - cmocka with what it needs, and the little that every unit test uses. */
#ifndef USHER_TEST_H
#define USHER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A fresh folder under $TMPDIR or /tmp; test_rm_folder removes it with all that is in it. */
static inline char *test_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    assert_true(asprintf(&path, "%s/usher-test-XXXXXX", base ? base : "/tmp") > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void test_rm_folder(char **path)
{
    char *command = NULL;
    assert_true(asprintf(&command, "rm -rf '%s'", *path) > 0);
    assert_int_equal(system(command), 0);
    free(command);
    free(*path);
    *path = NULL;
}

static inline void test_write_file(const char *folder, const char *name, const char *text)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    free(path);
}

#endif
