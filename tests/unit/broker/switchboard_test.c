/* switchboard_test.c - tickets: whose, until when, how many. */
#include "test.h"

#include "switchboard.h"

static void an_answer_closes_its_ticket_once(void **state)
{
    (void)state;
    struct switchboard *board = switchboard_new();
    struct ticket ticket;
    int64_t number;
    assert_int_equal(switchboard_open(board, 1, 2, 77, 1000, &number), OK);
    assert_true(switchboard_close(board, number, 2, &ticket));
    assert_int_equal(ticket.asker, 1);
    assert_int_equal(ticket.request, 77);
    assert_false(switchboard_close(board, number, 2, &ticket));
    switchboard_destroy(&board);
    switchboard_destroy(&board);
}

static void a_ticket_is_its_targets_only(void **state)
{
    (void)state;
    struct switchboard *board = switchboard_new();
    struct ticket ticket;
    int64_t number;
    assert_int_equal(switchboard_open(board, 1, 2, 77, 1000, &number), OK);
    assert_false(switchboard_close(board, number, 3, &ticket));
    assert_false(switchboard_close(board, number + 1, 2, &ticket));
    assert_int_equal(switchboard_count(board), 1);
    switchboard_destroy(&board);
}

static void deadlines_take_out_what_is_over(void **state)
{
    (void)state;
    struct switchboard *board = switchboard_new();
    struct ticket ticket;
    int64_t soon, later;
    assert_int_equal(switchboard_open(board, 1, 2, 1, 1000, &soon), OK);
    assert_int_equal(switchboard_open(board, 1, 2, 2, 2000, &later), OK);
    assert_false(switchboard_expired(board, 999, &ticket));
    assert_true(switchboard_expired(board, 1000, &ticket));
    assert_int_equal(ticket.number, soon);
    assert_false(switchboard_expired(board, 1000, &ticket));
    assert_true(switchboard_close(board, later, 2, &ticket));
    switchboard_destroy(&board);
}

static void a_peer_that_is_gone_answers_nothing_and_asks_nothing(void **state)
{
    (void)state;
    struct switchboard *board = switchboard_new();
    struct ticket ticket;
    int64_t number;
    assert_int_equal(switchboard_open(board, 1, 2, 10, 1000, &number), OK);
    assert_int_equal(switchboard_open(board, 2, 3, 11, 1000, &number), OK);
    assert_int_equal(switchboard_open(board, 4, 2, 12, 1000, &number), OK);
    assert_true(switchboard_gone(board, 2, &ticket));
    int64_t first = ticket.request;
    assert_true(switchboard_gone(board, 2, &ticket));
    assert_int_equal(first + ticket.request, 22);
    assert_false(switchboard_gone(board, 2, &ticket));
    assert_int_equal(switchboard_count(board), 0);
    switchboard_destroy(&board);
}

static void full_is_said_at_once(void **state)
{
    (void)state;
    struct switchboard *board = switchboard_new();
    int64_t number;
    for (int i = 0; i < SWITCHBOARD_PEER_MAX; i++) {
        assert_int_equal(switchboard_open(board, 1, 2, i, 1000, &number), OK);
    }
    assert_int_equal(switchboard_open(board, 1, 3, 0, 1000, &number), FAULT_BUSY);
    assert_int_equal(switchboard_open(board, 4, 2, 0, 1000, &number), FAULT_UNAVAILABLE);
    assert_int_equal(switchboard_open(board, 4, 3, 0, 1000, &number), OK);
    for (uint64_t i = 0; switchboard_count(board) < SWITCHBOARD_TICKETS_MAX; i++) {
        assert_int_equal(switchboard_open(board, 100 + i, 5000 + i, 0, 1000, &number), OK);
    }
    assert_int_equal(switchboard_open(board, 9, 9, 0, 1000, &number), FAULT_BUSY);
    switchboard_destroy(&board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_closes_its_ticket_once),
        cmocka_unit_test(a_ticket_is_its_targets_only),
        cmocka_unit_test(deadlines_take_out_what_is_over),
        cmocka_unit_test(a_peer_that_is_gone_answers_nothing_and_asks_nothing),
        cmocka_unit_test(full_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
